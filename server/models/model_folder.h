/* What lies in the models folder, at one look: names and stamps of the checkpoints, and nothing opened. */
#ifndef SRV_MODEL_FOLDER_H
#define SRV_MODEL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/error.h"
#include "server/decks/deck.h"

enum { MODEL_FILES_MAX = 256 };

/* Tells one state of a file from another: replacing, writing, truncating, copying over it change it. The time
 * of the inode's change is among it because that of the content can be set at will. Zeroed: there is none. */
struct srv_file_stamp {
    dev_t device;
    ino_t inode;
    off_t size_bytes;
    int64_t written_ns, changed_ns;
};

struct srv_model_file {
    char name[DECK_ID_TEXT]; /* without .safetensors */
    struct srv_file_stamp stamp;
};

struct srv_model_look {
    struct srv_model_file *files; /* heap, by name */
    int count;
    int left_out;            /* whose name is no id, or that are one too many */
    char left_out_name[256]; /* of the first of them; "" for none */
};

/* Lists the NAME.safetensors of `folder`; hidden files are passed over. NN_ERR_IO with the folder's name when
 * it cannot be read. On NN_OK the caller releases. */
nn_status srv_model_folder_look(const char *folder, struct srv_model_look *look,
                                struct nn_error *err) NN_MUST_CHECK;
void srv_model_look_release(struct srv_model_look *look); /* zeroes it */

/* Zeroed when there is no such file. */
struct srv_file_stamp srv_file_stamp_of(const char *path);
bool srv_file_stamp_same(const struct srv_file_stamp *a, const struct srv_file_stamp *b);
bool srv_file_stamp_none(const struct srv_file_stamp *stamp);

#endif
