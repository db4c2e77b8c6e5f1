/* From a sample's pixels to the file that is sent. */
#ifndef SRV_ENCODE_H
#define SRV_ENCODE_H

#include <stdint.h>

#include "engine/engine.h"
#include "server/blob.h"
#include "server/images/image_request.h"

/* Shrinks resolution^2 grey pixels of request->depth bits to request->size, by means of boxes, and encodes
 * them as the request says. Gives *png.
 *
 * A learner must not be able to tell the class of an image from how well it compresses: a fracture line, or a
 * generator that draws one class with more grain, would show in Content-Length. So what is not labelled is
 * stored, not deflated, with no chunk but IHDR, IDAT and IEND: 1024x1024 is always 1,049,748 bytes. */
nn_status srv_encode(const void *pixels, const struct nn_model_info *model,
                     const struct srv_image_request *request, struct srv_blob **png,
                     struct nn_error *err) NN_MUST_CHECK;

#endif
