/* What to draw and how to encode it, and the name of the file that comes of it. */
#ifndef SRV_IMAGE_REQUEST_H
#define SRV_IMAGE_REQUEST_H

#include <stdbool.h>

#include "engine/engine.h"
#include "server/library/library_files.h"
#include "server/models/models.h"

struct srv_image_request {
    struct srv_model *model; /* which its holder lends; whoever keeps the request holds it too */
    struct nn_sample_request sample;
    int size;      /* side in pixels: the model's resolution, or that halved some times */
    int depth;     /* bits a pixel, 8 or 16; learners' images have 8 */
    bool labelled; /* true: deflated, with text chunks that say what it is; false: for learners, stored and
                      bare */
    /* What is shown instead of what the model draws, fitted to the model's resolution; width 0: nothing. */
    struct srv_library_ref library;
    bool held;      /* it is not ready before an image of the library would be */
    uint64_t apart; /* not 0: the file is not the one of a request with another number, though the same */
};

enum { IMAGE_KEY_TEXT = 65, IMAGE_SIZES_MAX = 3 };

/* The sides that are served, ascending: the resolution, its half and its quarter, if 64 or more. */
int srv_image_sizes(const struct nn_model_info *model, int sizes[IMAGE_SIZES_MAX]);

/* The name of a file by all that its bytes depend on: equal keys, equal files. 64 lower-case hex digits, to
 * whoever does not know the request as good as random. */
struct srv_image_key {
    char hex[IMAGE_KEY_TEXT];
};

/* The device is part of the key, as another one may round a pixel otherwise, and so are the program's version
 * and that of the encoder. */
void srv_image_key_of(const struct nn_model_info *model, const struct srv_image_request *request,
                      struct srv_image_key *key);

#endif
