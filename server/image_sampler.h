/* The queue's sampler in the daemon: the engine, with the model that each request carries. */
#ifndef SRV_IMAGE_SAMPLER_H
#define SRV_IMAGE_SAMPLER_H

#include "server/image_queue.h"

extern const struct srv_sampler srv_model_sampler;

#endif
