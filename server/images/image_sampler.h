/* The queue's sampler in the daemon: the engine, with the model that each request carries, and the files of
 * the library. */
#ifndef SRV_IMAGE_SAMPLER_H
#define SRV_IMAGE_SAMPLER_H

#include "server/images/image_queue.h"

/* `library` is the library's folder, borrowed as long as the sampler is used. */
struct srv_sampler srv_model_sampler(const char *library);

/* Reads the request's image of the library and fits it to `resolution`, into `pixels`, resolution^2 of 8
 * bits. */
nn_status srv_library_draw(const char *library, const struct srv_library_ref *ref, int resolution,
                           uint8_t *pixels, struct nn_error *err) NN_MUST_CHECK;

#endif
