#include "server/image_sampler.h"

#include "server/log.h"

static const struct nn_model_info *info(void *context, const struct srv_image_request *request)
{
    (void)context;
    return srv_model_info(request->model);
}

static nn_status sample_8_bit(struct nn_model *model, const struct srv_image_request *const *requests,
                              int count, void *pixels, struct nn_error *err)
{
    struct nn_sample_request samples[QUEUE_BATCH_MAX];
    for (int i = 0; i < count; i++) samples[i] = requests[i]->sample;
    return nn_model_sample(model, samples, count, pixels, err);
}

static nn_status sample_deep(struct nn_model *model, const struct srv_image_request *const *requests,
                             int count, void *pixels, struct nn_error *err)
{
    const struct nn_model_info *of = nn_model_info(model);
    struct nn_sample_point points[QUEUE_BATCH_MAX];
    for (int i = 0; i < count; i++) points[i] = nn_sample_point_of(of, &requests[i]->sample);
    return nn_model_draw(model, points, count, of->resolution, requests[0]->depth, pixels, err);
}

/* Sampling may have moved from the GPU to the CPU. */
static nn_status sample(void *context, const struct srv_image_request *const *requests, int count,
                        void *pixels, struct nn_error *err)
{
    (void)context;
    struct nn_model *model = srv_model_engine(requests[0]->model);
    const struct nn_model_info *before = nn_model_info(model);
    nn_status status = requests[0]->depth == 8 ? sample_8_bit(model, requests, count, pixels, err)
                                               : sample_deep(model, requests, count, pixels, err);
    const struct nn_model_info *after = nn_model_info(model);
    if (after != before) srv_log("%s; now on %s", after->device_note, after->device);
    return status;
}

const struct srv_sampler srv_model_sampler = {NULL, info, sample};
