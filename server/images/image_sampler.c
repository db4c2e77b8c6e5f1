#include "server/images/image_sampler.h"

#include <stdlib.h>

#include "server/library/library_pixels.h"
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
    for (int i = 0; i < count; i++) /* so that the disk seeks while the engine draws */
        if (requests[i]->library.width > 0) srv_library_will_read(context, &requests[i]->library);
    struct nn_model *model = srv_model_engine(requests[0]->model);
    const struct nn_model_info *before = nn_model_info(model);
    nn_status status = requests[0]->depth == 8 ? sample_8_bit(model, requests, count, pixels, err)
                                               : sample_deep(model, requests, count, pixels, err);
    const struct nn_model_info *after = nn_model_info(model);
    if (after != before) srv_log("%s; now on %s", after->device_note, after->device);
    return status;
}

nn_status srv_library_draw(const char *library, const struct srv_library_ref *ref, int resolution,
                           uint8_t *pixels, struct nn_error *err)
{
    if (ref->width == resolution) return srv_library_read(library, ref, pixels, err);
    uint8_t *whole = malloc((size_t)ref->width * (size_t)ref->width);
    if (!whole) return nn_fail(err, NN_ERR_MEMORY, "out of memory for an image of %d pixels", ref->width);
    nn_status status = srv_library_read(library, ref, whole, err);
    if (!status) status = srv_library_fit(whole, ref->width, pixels, resolution, err);
    free(whole);
    return status;
}

static nn_status replace(void *context, const struct srv_image_request *request,
                         const struct nn_model_info *of, void *pixels, struct nn_error *err)
{
    return srv_library_draw(context, &request->library, of->resolution, pixels, err);
}

/* The cast drops const for a context that others write to; the path is only read. */
struct srv_sampler srv_model_sampler(const char *library)
{
    return (struct srv_sampler){(void *)(uintptr_t)library, info, sample, replace};
}
