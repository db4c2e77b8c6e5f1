#include "server/images/encode.h"

#include "engine/image.h"
#include "engine/sample_text.h"

/* The text chunks keep saying what the picture is when it has left this server. */
static nn_status encode_labelled(const struct nn_image *image, const struct nn_model_info *model,
                                 const struct srv_image_request *request, uint8_t **bytes, size_t *size_bytes,
                                 struct nn_error *err)
{
    const struct nn_sample_request *sample = &request->sample;
    struct nn_sample_point point = nn_sample_point_of(model, sample);
    struct nn_sample_texts texts;
    nn_sample_texts_init(&texts, model, &point, model->classes[sample->class_index], sample->strength,
                         "roentgymd " ROENTGYM_VERSION);
    return nn_png_encode(image, texts.list, texts.count, bytes, size_bytes, err);
}

nn_status srv_encode(const void *pixels, const struct nn_model_info *model,
                     const struct srv_image_request *request, struct srv_blob **png, struct nn_error *err)
{
    /* The casts drop const for structs that can also own; both images are only read. */
    struct nn_image whole = {model->resolution, model->resolution, request->depth, (void *)(uintptr_t)pixels};
    struct nn_image small = {0};
    const struct nn_image *image = &whole;
    uint8_t *bytes = NULL;
    size_t size_bytes = 0;
    nn_status status = NN_OK;
    int times = 0;
    while (model->resolution >> times > request->size) times++;
    if (times > 0) {
        status = nn_image_halve(&whole, times, &small, err);
        image = &small;
    }
    if (!status && request->labelled)
        status = encode_labelled(image, model, request, &bytes, &size_bytes, err);
    else if (!status)
        status = nn_png_encode_stored(image, &bytes, &size_bytes, err);
    nn_image_release(&small);
    if (status) return status;
    *png = srv_blob_take(bytes, size_bytes);
    return *png ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory");
}
