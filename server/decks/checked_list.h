/* The drawn images of a model that show what they were asked for: seeds for each class, at strength and
 * truncation 1, which a classifier has passed. `roentgym evaluate labels` writes them; they lie beside the
 * model's NAME.safetensors as NAME.checked.json and hold for that file's content alone:
 *
 *     {"format": 1, "model_sha256": "...", "classes": {"fracture": ["8263417093451670288", ...], ...}} */
#ifndef SRV_CHECKED_LIST_H
#define SRV_CHECKED_LIST_H

#include "server/decks/deck.h"

#define CHECKED_BYTES_MAX ((size_t)8 << 20)

struct srv_checked_class {
    char name[NN_CLASS_NAME_MAX];
    uint64_t *seeds; /* heap, rising, none twice */
    int count;
};

struct srv_checked_list {
    char model_sha256[65];
    struct srv_checked_class classes[NN_CLASSES_MAX];
    int class_count;
};

/* Reads the list of the model in `folder` whose content has that SHA-256. The error text starts with the
 * path; nothing of the list is in it. On NN_OK the caller releases. */
nn_status srv_checked_list_read(const char *folder, const char *model, const char *sha256,
                                struct srv_checked_list *list, struct nn_error *err) NN_MUST_CHECK;
void srv_checked_list_release(struct srv_checked_list *list); /* zeroes it; harmless on a zeroed one */

/* NULL when no image of that class has passed. */
const struct srv_checked_class *srv_checked_class_find(const struct srv_checked_list *list, const char *name);
/* The place of a seed, or -1. */
int srv_checked_seed_find(const struct srv_checked_class *class, uint64_t seed);

#endif
