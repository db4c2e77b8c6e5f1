/* The table's convolutions: which library or kernel computes which, the weight in the maps' type, and what
 * follows in one pass.
 *
 * cuDNN computes conv + bias + leaky ReLU in one kernel only for some shapes and engines; a pass of its own
 * costs one reading and one writing of the map everywhere alike, and takes the pixel norm along. */
#include <limits.h>

#include "engine/cuda/cuda.h"

/* The weight as the libraries take it: in the maps' type, scaled, and at a multiple of 16 bytes. */
static nn_status pack_weight(struct cuda_backend *cuda, float scale, enum nn_type type, struct nn_tensor *w,
                             struct nn_error *err)
{
    if (w->type == type && scale == 1 && (size_t)w->data % 16 == 0) return NN_OK;
    struct nn_tensor packed = {.shape = w->shape, .type = type};
    packed.data = cuda_scratch(cuda, CUDA_SCRATCH_WEIGHT, nn_tensor_bytes(&packed), err);
    if (!packed.data) return NN_ERR_MEMORY;
    nn_status status = cuda_pack(cuda, scale, w, &packed, err);
    *w = packed;
    return status;
}

/* The images first .. first+count-1 of a map. */
static struct nn_tensor images_of(const struct nn_tensor *t, int first, int count)
{
    struct nn_tensor part = *t;
    part.shape.n = count;
    part.data = (char *)t->data + (size_t)first * (nn_tensor_bytes(t) / (size_t)t->shape.n);
    return part;
}

/* cuDNN's kernels count the elements of a map in 32 bits, and not all of them say where they cannot. */
static bool counts_fit(const struct cuda_conv_call *c)
{
    return nn_count(c->x.shape) <= INT_MAX && nn_count(c->y.shape) <= INT_MAX;
}

/* For CUDA_MAKE_Y and CUDA_MAKE_X; maps that are too large go in halves. */
static nn_status run_plan(struct cuda_backend *cuda, const struct cuda_conv_call *c, bool *done,
                          struct nn_error *err)
{
    int n = c->x.shape.n;
    if (n == 1 || counts_fit(c)) return cuda_plans_run(cuda, c, done, err);
    for (int half = 0, first = 0; half < 2; half++, first = n / 2) {
        struct cuda_conv_call part = *c;
        int count = half ? n - n / 2 : n / 2;
        part.x = images_of(&c->x, first, count);
        part.y = images_of(&c->y, first, count);
        nn_status status = run_plan(cuda, &part, done, err);
        if (status || !*done) return status;
    }
    return NN_OK;
}

static nn_status convolve_map(struct cuda_backend *cuda, struct cuda_conv_call *c, struct nn_error *err)
{
    bool done = false;
    nn_status status = pack_weight(cuda, c->geometry.scale, c->x.type, &c->w, err);
    if (!status && cuda_gemm_fits(c)) return cuda_gemm_run(cuda, c, 1, err);
    if (!status) status = run_plan(cuda, c, &done, err);
    if (!status && !done) status = cuda_direct_conv(cuda, c, err);
    return status;
}

static nn_status conv_finished(struct nn_backend *be, const struct nn_conv *geometry,
                               const struct nn_tensor *x, const struct nn_tensor *w,
                               struct nn_epilogue epilogue, float epsilon, struct nn_tensor *y,
                               struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    struct cuda_conv_call c = {.role = CUDA_MAKE_Y, .geometry = *geometry, .x = *x, .w = *w, .y = *y};
    if (epsilon <= 0 && cuda_grey_fits(geometry, y, x))
        return cuda_grey_expand(cuda, geometry->scale, x, w, epilogue, y, err);
    if (epsilon <= 0 && cuda_grey_fits(geometry, x, y))
        return cuda_grey_contract(cuda, geometry->scale, x, w, epilogue, y, err);
    nn_status status = convolve_map(cuda, &c, err);
    return status ? status : cuda_finish(cuda, epilogue, epsilon, y, err);
}

static nn_status conv_dx_finished(struct nn_backend *be, const struct nn_conv *geometry,
                                  const struct nn_tensor *g, const struct nn_tensor *w,
                                  struct nn_epilogue epilogue, float epsilon, struct nn_tensor *x,
                                  struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    struct cuda_conv_call c = {.role = CUDA_MAKE_X, .geometry = *geometry, .x = *x, .w = *w, .y = *g};
    if (epsilon <= 0 && cuda_grey_fits(geometry, x, g))
        return cuda_grey_expand(cuda, geometry->scale, g, w, epilogue, x, err);
    if (epsilon <= 0 && cuda_grey_fits(geometry, g, x))
        return cuda_grey_contract(cuda, geometry->scale, g, w, epilogue, x, err);
    nn_status status = convolve_map(cuda, &c, err);
    return status ? status : cuda_finish(cuda, epilogue, epsilon, x, err);
}

nn_status cuda_conv(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                    const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *y,
                    struct nn_error *err)
{
    return conv_finished(be, geometry, x, w, epilogue, 0, y, err);
}

nn_status cuda_conv_dx(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *g,
                       const struct nn_tensor *w, struct nn_epilogue epilogue, struct nn_tensor *x,
                       struct nn_error *err)
{
    return conv_dx_finished(be, geometry, g, w, epilogue, 0, x, err);
}

nn_status cuda_conv_normalised(struct nn_backend *be, const struct nn_conv *geometry, bool transposed,
                               const struct nn_tensor *x, const struct nn_tensor *w,
                               struct nn_epilogue epilogue, float epsilon, struct nn_tensor *y,
                               struct nn_error *err)
{
    return transposed ? conv_dx_finished(be, geometry, x, w, epilogue, epsilon, y, err)
                      : conv_finished(be, geometry, x, w, epilogue, epsilon, y, err);
}

/* cuDNN 9 has no kernel from bf16 maps to an f32 gradient: the finished sum, made in f32, is rounded once. */
static nn_status weights_by_plan(struct cuda_backend *cuda, struct cuda_conv_call c, bool *done,
                                 struct nn_error *err)
{
    struct nn_tensor exact = c.w;
    c.w.type = c.x.type;
    c.w.data = cuda_scratch(cuda, CUDA_SCRATCH_WEIGHT, nn_tensor_bytes(&c.w), err);
    if (!c.w.data) return NN_ERR_MEMORY;
    nn_status status = cuda_plans_run(cuda, &c, done, err);
    if (status || !*done) return status;
    return cuda_pack(cuda, c.geometry.scale, &c.w, &exact, err);
}

nn_status cuda_conv_dw(struct nn_backend *be, const struct nn_conv *geometry, const struct nn_tensor *x,
                       const struct nn_tensor *g, struct nn_tensor *w, struct nn_error *err)
{
    struct cuda_backend *cuda = cuda_of(be);
    struct cuda_conv_call c = {.role = CUDA_MAKE_W, .geometry = *geometry, .x = *x, .w = *w, .y = *g};
    bool done = false;
    if (cuda_grey_fits(geometry, x, g)) return cuda_grey_weights(cuda, geometry->scale, x, g, w, err);
    if (cuda_grey_fits(geometry, g, x)) return cuda_grey_weights(cuda, geometry->scale, g, x, w, err);
    if (cuda_gemm_fits(&c)) return cuda_gemm_run(cuda, &c, geometry->scale, err);
    nn_status status = counts_fit(&c) ? weights_by_plan(cuda, c, &done, err) : NN_OK;
    if (status || done) return status;
    status = cuda_direct_conv(cuda, &c, err);
    return status ? status : cuda_pack(cuda, geometry->scale, w, w, err);
}
