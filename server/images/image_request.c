#include "server/images/image_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/sha256.h"

/* One more whenever the same pixels are encoded to other bytes: files kept from before are then not found. */
enum { ENCODER_VERSION = 1 };

int srv_image_sizes(const struct nn_model_info *model, int sizes[IMAGE_SIZES_MAX])
{
    int count = 0;
    for (int times = IMAGE_SIZES_MAX - 1; times >= 0; times--)
        if (times == 0 || model->resolution >> times >= 64) sizes[count++] = model->resolution >> times;
    return count;
}

void srv_image_key_of(const struct nn_model_info *model, const struct srv_image_request *request,
                      struct srv_image_key *key)
{
    const struct nn_sample_request *sample = &request->sample;
    char text[640]; /* three hashes' worth of names, numbers of fixed width: cannot overflow */
    snprintf(text, sizeof text, "%s %d %s %s %d %" PRIu64 " %a %a %d %d %d", ROENTGYM_VERSION,
             ENCODER_VERSION, model->sha256, model->device, sample->class_index, sample->seed,
             (double)sample->strength, (double)sample->truncation, request->size, request->depth,
             request->labelled);
    size_t used = strlen(text);
    if (request->library.width > 0)
        used += (size_t)snprintf(text + used, sizeof text - used, " %s", request->library.sha256);
    if (request->apart) snprintf(text + used, sizeof text - used, " apart %" PRIx64, request->apart);
    nn_sha256_hex(text, strlen(text), key->hex);
}
