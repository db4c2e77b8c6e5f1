/* The queue's sampler in the daemon: the engine's model. */
#ifndef SRV_IMAGE_SAMPLER_H
#define SRV_IMAGE_SAMPLER_H

#include "server/image_queue.h"

/* Draws with the model that *model points to once it is loaded; requests come only after that. */
struct srv_sampler srv_model_sampler(struct nn_model *_Atomic *model);

#endif
