/* From a sample's pixels to the file that is sent. */
#ifndef SRV_ENCODE_H
#define SRV_ENCODE_H

#include <stdint.h>

#include "engine/engine.h"
#include "server/blob.h"
#include "server/image_request.h"

/* Shrinks resolution^2 grey pixels to request->size and encodes them as the request says. Gives *png. */
nn_status srv_encode(const uint8_t *pixels, const struct nn_model_info *model,
                     const struct srv_image_request *request, struct srv_blob **png,
                     struct nn_error *err) NN_MUST_CHECK;

#endif
