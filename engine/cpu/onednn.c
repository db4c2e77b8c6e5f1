#include "engine/cpu/onednn.h"

#include "engine/cpu/bf16.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

/* Enough for both networks at one resolution with every pass, twice over (two phases of a fade). */
enum { PLAN_LIMIT = 512, KEY_FIELDS = 16 };

/* Everything that a primitive depends on, as plain integers so that memcmp compares. */
struct key {
    int field[KEY_FIELDS];
    float slope;
};

struct plan {
    struct key key;
    uint64_t last_use;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, y, w, bias, scratchpad;
    dnnl_memory_t w_plain;    /* O,K,K,I; NULL when the primitive takes that itself */
    dnnl_primitive_t reorder; /* between w_plain and w, in the direction of the pass */
    size_t w_bytes, scratchpad_bytes;
    char implementation[64];
};

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct plan *plans[PLAN_LIMIT];
    int plan_count;
    uint64_t clock;
    struct cpu_scratch w_plain, w_packed, scratchpad;
};

static nn_status failed(struct nn_error *err, const char *what, dnnl_status_t status)
{
    return nn_fail(err, status == dnnl_out_of_memory ? NN_ERR_MEMORY : NN_ERR_DEVICE,
                   "oneDNN: %s failed with status %d", what, (int)status);
}

/* Each set of instructions is a set of bits, which those after it have too. */
static bool has(dnnl_cpu_isa_t isa)
{
    return ((int)dnnl_get_effective_cpu_isa() & (int)isa) == (int)isa;
}

bool onednn_has_bf16(void)
{
    return has(dnnl_cpu_isa_avx512_core_bf16);
}

bool onednn_has_amx(void)
{
#ifdef __AMX_BF16__
    return has(dnnl_cpu_isa_avx512_core_amx);
#else
    return false;
#endif
}

nn_status onednn_open(struct onednn **made, struct nn_error *err)
{
    struct onednn *dnn = calloc(1, sizeof *dnn);
    if (!dnn) return nn_fail(err, NN_ERR_MEMORY, "no memory for oneDNN");
    dnnl_status_t status = dnnl_engine_create(&dnn->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&dnn->stream, dnn->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        onednn_close(dnn);
        return failed(err, "opening the CPU", status);
    }
    *made = dnn;
    return NN_OK;
}

static void plan_free(struct plan *p)
{
    if (!p) return;
    dnnl_memory_t memories[] = {p->x, p->y, p->w, p->bias, p->scratchpad, p->w_plain};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i]) dnnl_memory_destroy(memories[i]);
    if (p->reorder) dnnl_primitive_destroy(p->reorder);
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    if (p->desc) dnnl_primitive_desc_destroy(p->desc);
    free(p);
}

void onednn_close(struct onednn *dnn)
{
    if (!dnn) return;
    for (int i = 0; i < dnn->plan_count; i++) plan_free(dnn->plans[i]);
    if (dnn->stream) dnnl_stream_destroy(dnn->stream);
    if (dnn->engine) dnnl_engine_destroy(dnn->engine);
    free(dnn->w_plain.data);
    free(dnn->w_packed.data);
    free(dnn->scratchpad.data);
    free(dnn);
}

/* ---- making a plan ------------------------------------------------------------------------------------ */

struct problem {
    enum onednn_pass pass;
    const struct nn_conv *geometry;
    struct nn_shape x, w, y;
    enum nn_type type;
    bool bias;
    float slope;
};

static struct key key_of(const struct problem *p)
{
    return (struct key){{(int)p->pass, p->w.h, p->w.w, p->geometry->stride, p->geometry->pad_h,
                         p->geometry->pad_w, p->x.n, p->x.c, p->x.h, p->x.w, p->y.c, p->y.h, p->y.w,
                         (int)p->type, p->bias, 0},
                        p->slope};
}

static dnnl_memory_desc_t describe(struct nn_shape s, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_dims_t dims = {s.n, s.c, s.h, s.w};
    dnnl_memory_desc_t d;
    dnnl_memory_desc_init_by_tag(&d, 4, dims, type, tag);
    return d;
}

static dnnl_status_t make_attributes(const struct problem *p, dnnl_primitive_attr_t *attr)
{
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status != dnnl_success || p->slope == 1.0f) return status;
    dnnl_post_ops_t ops;
    status = dnnl_post_ops_create(&ops);
    if (status != dnnl_success) return status;
    status = dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, p->slope, 0.0f);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    return status;
}

static dnnl_status_t make_operation(const struct problem *p, dnnl_convolution_desc_t *op)
{
    dnnl_data_type_t map = p->type == NN_BF16 ? dnnl_bf16 : dnnl_f32;
    dnnl_memory_desc_t x = describe(p->x, map, dnnl_nhwc), y = describe(p->y, map, dnnl_nhwc);
    bool to_weights = p->pass == ONEDNN_BACKWARD_WEIGHTS;
    dnnl_memory_desc_t w = describe(p->w, to_weights ? dnnl_f32 : map, dnnl_format_tag_any), bias;
    dnnl_dims_t channels = {p->y.c};
    dnnl_memory_desc_init_by_tag(&bias, 1, channels, dnnl_f32, dnnl_a);
    const struct nn_conv *g = p->geometry;
    dnnl_dims_t strides = {g->stride, g->stride}, low = {g->pad_h, g->pad_w};
    /* The window may not reach the last rows; oneDNN wants the padding that makes the sizes agree. */
    dnnl_dims_t high = {(p->y.h - 1) * g->stride + g->kernel_h - g->pad_h - p->x.h,
                        (p->y.w - 1) * g->stride + g->kernel_w - g->pad_w - p->x.w};
    if (p->pass == ONEDNN_FORWARD)
        return dnnl_convolution_forward_desc_init(op, dnnl_forward_inference, dnnl_convolution_direct, &x, &w,
                                                  p->bias ? &bias : NULL, &y, strides, low, high);
    if (p->pass == ONEDNN_BACKWARD_DATA)
        return dnnl_convolution_backward_data_desc_init(op, dnnl_convolution_direct, &x, &w, &y, strides, low,
                                                        high);
    return dnnl_convolution_backward_weights_desc_init(op, dnnl_convolution_direct, &x, &w, NULL, &y, strides,
                                                       low, high);
}

static const char *implementation_name(const_dnnl_primitive_desc_t desc)
{
    const char *name = "";
    dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name);
    return name;
}

/* Takes the first implementation that can be trusted. oneDNN 2.6.3's bf16 AMX backward-weights corrupts the
 * heap or never returns on large images with few channels (n4 c16 512x512, everything at 1024x1024). */
static dnnl_status_t choose(const struct problem *p, const dnnl_convolution_desc_t *op,
                            const_dnnl_primitive_attr_t attr, dnnl_engine_t engine,
                            dnnl_primitive_desc_t *chosen)
{
    dnnl_primitive_desc_iterator_t iterator;
    dnnl_status_t status = dnnl_primitive_desc_iterator_create(&iterator, op, attr, engine, NULL);
    if (status != dnnl_success) return status;
    do {
        *chosen = dnnl_primitive_desc_iterator_fetch(iterator);
        if (!*chosen) break;
        bool broken = p->pass == ONEDNN_BACKWARD_WEIGHTS && p->type == NN_BF16 &&
                      strstr(implementation_name(*chosen), "amx");
        if (!broken) break;
        dnnl_primitive_desc_destroy(*chosen);
        *chosen = NULL;
    } while (dnnl_primitive_desc_iterator_next(iterator) == dnnl_success);
    dnnl_primitive_desc_iterator_destroy(iterator);
    return *chosen ? dnnl_success : dnnl_unimplemented;
}

static dnnl_status_t make_reorder(struct plan *plan, const struct problem *p,
                                  const dnnl_memory_desc_t *packed, dnnl_engine_t engine)
{
    bool to_weights = p->pass == ONEDNN_BACKWARD_WEIGHTS;
    dnnl_data_type_t type = to_weights || p->type == NN_F32 ? dnnl_f32 : dnnl_bf16;
    dnnl_memory_desc_t plain = describe(p->w, type, dnnl_acdb);
    if (dnnl_memory_desc_equal(&plain, packed)) return dnnl_success;
    const dnnl_memory_desc_t *from = to_weights ? packed : &plain, *to = to_weights ? &plain : packed;
    dnnl_primitive_desc_t desc;
    dnnl_status_t status = dnnl_memory_create(&plan->w_plain, &plain, engine, DNNL_MEMORY_NONE);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&desc, from, engine, to, engine, NULL);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_create(&plan->reorder, desc);
    dnnl_primitive_desc_destroy(desc);
    return status;
}

static dnnl_status_t make_memory(struct plan *plan, dnnl_query_t what, dnnl_engine_t engine,
                                 dnnl_memory_t *memory, size_t *size_bytes)
{
    const dnnl_memory_desc_t *d = dnnl_primitive_desc_query_md(plan->desc, what, 0);
    if (!d) return dnnl_runtime_error;
    if (size_bytes) *size_bytes = dnnl_memory_desc_get_size(d);
    return dnnl_memory_create(memory, d, engine, DNNL_MEMORY_NONE);
}

static dnnl_status_t fill_plan(struct plan *plan, const struct problem *p, dnnl_engine_t engine)
{
    dnnl_convolution_desc_t op;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = make_operation(p, &op);
    if (status == dnnl_success) status = make_attributes(p, &attr);
    if (status == dnnl_success) status = choose(p, &op, attr, engine, &plan->desc);
    if (attr) dnnl_primitive_attr_destroy(attr);
    if (status != dnnl_success) return status;
    strncpy(plan->implementation, implementation_name(plan->desc), sizeof plan->implementation - 1);

    bool data = p->pass == ONEDNN_BACKWARD_DATA, weights = p->pass == ONEDNN_BACKWARD_WEIGHTS;
    dnnl_query_t x = data ? dnnl_query_diff_src_md : dnnl_query_src_md;
    dnnl_query_t y = p->pass == ONEDNN_FORWARD ? dnnl_query_dst_md : dnnl_query_diff_dst_md;
    dnnl_query_t w = weights ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
    status = dnnl_primitive_create(&plan->primitive, plan->desc);
    if (status == dnnl_success) status = make_memory(plan, x, engine, &plan->x, NULL);
    if (status == dnnl_success) status = make_memory(plan, y, engine, &plan->y, NULL);
    if (status == dnnl_success) status = make_memory(plan, w, engine, &plan->w, &plan->w_bytes);
    if (status == dnnl_success)
        status =
            make_memory(plan, dnnl_query_scratchpad_md, engine, &plan->scratchpad, &plan->scratchpad_bytes);
    if (status == dnnl_success && p->bias) {
        dnnl_memory_desc_t bias;
        dnnl_dims_t channels = {p->y.c};
        dnnl_memory_desc_init_by_tag(&bias, 1, channels, dnnl_f32, dnnl_a);
        status = dnnl_memory_create(&plan->bias, &bias, engine, DNNL_MEMORY_NONE);
    }
    if (status == dnnl_success)
        status = make_reorder(plan, p, dnnl_primitive_desc_query_md(plan->desc, w, 0), engine);
    return status;
}

/* A slot for a new plan: a free one, or that of the plan unused for longest. */
static struct plan **slot(struct onednn *dnn)
{
    if (dnn->plan_count < PLAN_LIMIT) return &dnn->plans[dnn->plan_count++];
    struct plan **oldest = &dnn->plans[0];
    for (int i = 1; i < PLAN_LIMIT; i++)
        if (dnn->plans[i]->last_use < (*oldest)->last_use) oldest = &dnn->plans[i];
    plan_free(*oldest);
    return oldest;
}

static struct plan *find_plan(struct onednn *dnn, const struct problem *p, struct nn_error *err)
{
    struct key key = key_of(p);
    for (int i = 0; i < dnn->plan_count; i++)
        if (memcmp(&dnn->plans[i]->key, &key, sizeof key) == 0) return dnn->plans[i];
    struct plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        nn_fail(err, NN_ERR_MEMORY, "no memory for a convolution plan");
        return NULL;
    }
    plan->key = key;
    dnnl_status_t status = fill_plan(plan, p, dnn->engine);
    if (status != dnnl_success) {
        failed(err, "preparing a convolution", status);
        plan_free(plan);
        return NULL;
    }
    *slot(dnn) = plan;
    return plan;
}

/* ---- running it --------------------------------------------------------------------------------------- */

/* The stored weight times the equalised learning rate's scale, in the map's type. */
static void scale_weights(const float *w, float scale, size_t count, enum nn_type type, void *out)
{
    float *f32 = out;
    uint16_t *bf16 = out;
    if (type == NN_BF16) {
#pragma omp parallel for simd if (count > 65536)
        for (size_t i = 0; i < count; i++) bf16[i] = bf16_from_float(scale * w[i]);
    } else {
#pragma omp parallel for simd if (count > 65536)
        for (size_t i = 0; i < count; i++) f32[i] = scale * w[i];
    }
}

static dnnl_status_t reorder_weights(struct onednn *dnn, struct plan *plan, bool to_plain)
{
    if (!plan->reorder) return dnnl_success;
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, to_plain ? plan->w : plan->w_plain},
                              {DNNL_ARG_TO, to_plain ? plan->w_plain : plan->w}};
    return dnnl_primitive_execute(plan->reorder, dnn->stream, 2, args);
}

static dnnl_status_t execute(struct onednn *dnn, dnnl_stream_t stream, struct plan *plan,
                             enum onednn_pass pass)
{
    int x = pass == ONEDNN_BACKWARD_DATA ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC;
    int y = pass == ONEDNN_FORWARD ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST;
    int w = pass == ONEDNN_BACKWARD_WEIGHTS ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS;
    dnnl_exec_arg_t args[] = {{x, plan->x},
                              {y, plan->y},
                              {w, plan->w},
                              {DNNL_ARG_SCRATCHPAD, plan->scratchpad},
                              {DNNL_ARG_BIAS, plan->bias}};
    dnnl_status_t status = dnnl_success;
    if (pass != ONEDNN_BACKWARD_WEIGHTS) status = reorder_weights(dnn, plan, false);
    if (status == dnnl_success)
        status = dnnl_primitive_execute(plan->primitive, stream, plan->bias ? 5 : 4, args);
    if (status == dnnl_success && pass == ONEDNN_BACKWARD_WEIGHTS) status = reorder_weights(dnn, plan, true);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    return status;
}

nn_status onednn_convolve(struct onednn *dnn, enum onednn_pass pass, const struct nn_conv *geometry,
                          struct nn_tensor x, struct nn_tensor w, struct nn_tensor y,
                          struct nn_epilogue epilogue, struct nn_error *err)
{
    struct problem p = {pass,          geometry, x.shape, w.shape, y.shape, x.type, epilogue.bias != NULL,
                        epilogue.slope};
    struct plan *plan = find_plan(dnn, &p, err);
    if (!plan) return err ? err->status : NN_ERR_DEVICE;
    plan->last_use = ++dnn->clock;

    size_t w_count = nn_count(w.shape);
    bool to_weights = pass == ONEDNN_BACKWARD_WEIGHTS;
    void *plain = to_weights ? w.data : cpu_scratch(&dnn->w_plain, w_count * sizeof(float), err);
    void *packed = plan->reorder ? cpu_scratch(&dnn->w_packed, plan->w_bytes, err) : plain;
    void *scratchpad = cpu_scratch(&dnn->scratchpad, plan->scratchpad_bytes, err);
    if (!plain || !packed || !scratchpad) return NN_ERR_MEMORY;
    if (!to_weights) scale_weights(w.data, geometry->scale, w_count, x.type, plain);

    dnnl_memory_set_data_handle(plan->x, x.data);
    dnnl_memory_set_data_handle(plan->y, y.data);
    dnnl_memory_set_data_handle(plan->w, packed);
    dnnl_memory_set_data_handle(plan->scratchpad, scratchpad);
    if (plan->bias) dnnl_memory_set_data_handle(plan->bias, epilogue.bias->data);
    if (plan->w_plain) dnnl_memory_set_data_handle(plan->w_plain, plain);
    dnnl_status_t status = execute(dnn, dnn->stream, plan, pass);
    if (status != dnnl_success) return failed(err, plan->implementation, status);
    if (to_weights) scale_weights(w.data, geometry->scale, w_count, NN_F32, w.data);
    return NN_OK;
}

/* ---- prepared ----------------------------------------------------------------------------------------- */

struct onednn_prepared {
    struct plan *plan;
    enum onednn_pass pass;
    void *w, *bias;
    bool borrowed;        /* w and bias */
    dnnl_stream_t stream; /* its own, for it may run beside others */
};

static void *aligned_copy(const void *from, size_t size_bytes)
{
    void *to = aligned_alloc(64, (size_bytes + 63) / 64 * 64);
    if (to && from) memcpy(to, from, size_bytes);
    return to;
}

/* Packs the weights, after which neither the plain ones nor the reorder are needed. */
static dnnl_status_t pack_weights(struct onednn *dnn, struct onednn_prepared *p, struct nn_tensor w,
                                  float scale, enum nn_type type)
{
    struct plan *plan = p->plan;
    void *plain = plan->reorder ? aligned_copy(NULL, nn_count(w.shape) * sizeof(float)) : p->w;
    if (!plain) return dnnl_out_of_memory;
    scale_weights(w.data, scale, nn_count(w.shape), type, plain);
    dnnl_memory_set_data_handle(plan->w, p->w);
    if (plan->w_plain) dnnl_memory_set_data_handle(plan->w_plain, plain);
    dnnl_status_t status = reorder_weights(dnn, plan, false);
    if (status == dnnl_success) status = dnnl_stream_wait(dnn->stream);
    if (!plan->reorder) return status;
    free(plain);
    dnnl_primitive_destroy(plan->reorder);
    plan->reorder = NULL;
    return status;
}

static bool same_weights(const struct plan *a, const struct plan *b)
{
    const dnnl_memory_desc_t *x, *y;
    return dnnl_memory_get_memory_desc(a->w, &x) == dnnl_success &&
           dnnl_memory_get_memory_desc(b->w, &y) == dnnl_success && dnnl_memory_desc_equal(x, y);
}

static void borrow_weights(struct onednn_prepared *p, const struct onednn_prepared *like)
{
    p->w = like->w;
    p->bias = like->bias;
    p->borrowed = true;
    dnnl_memory_set_data_handle(p->plan->w, p->w);
    if (p->bias) dnnl_memory_set_data_handle(p->plan->bias, p->bias);
    if (p->plan->reorder) dnnl_primitive_destroy(p->plan->reorder);
    p->plan->reorder = NULL;
}

nn_status onednn_prepare(struct cpu_backend *cpu, enum onednn_pass pass, const struct nn_conv *geometry,
                         struct nn_tensor x, struct nn_tensor w, struct nn_tensor y,
                         struct nn_epilogue epilogue, const struct onednn_prepared *like,
                         struct onednn_prepared **prepared, struct nn_error *err)
{
    struct onednn *dnn = cpu->onednn;
    struct problem problem = {
        pass, geometry, x.shape, w.shape, y.shape, x.type, epilogue.bias != NULL, epilogue.slope};
    struct onednn_prepared *p = calloc(1, sizeof *p);
    dnnl_status_t status = p && (p->plan = calloc(1, sizeof *p->plan)) ? dnnl_success : dnnl_out_of_memory;
    if (status == dnnl_success) status = fill_plan(p->plan, &problem, dnn->engine);
    if (status == dnnl_success)
        status = dnnl_stream_create(&p->stream, dnn->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) goto out;
    p->pass = pass;
    if (like && same_weights(like->plan, p->plan)) {
        borrow_weights(p, like);
        goto out;
    }
    p->w = aligned_copy(NULL, p->plan->w_bytes);
    if (epilogue.bias) p->bias = aligned_copy(epilogue.bias->data, nn_tensor_bytes(epilogue.bias));
    if (!p->w || (epilogue.bias && !p->bias)) {
        status = dnnl_out_of_memory;
        goto out;
    }
    if (p->bias) dnnl_memory_set_data_handle(p->plan->bias, p->bias);
    status = pack_weights(dnn, p, w, geometry->scale, x.type);
out:
    if (status == dnnl_success) {
        *prepared = p;
        return NN_OK;
    }
    onednn_prepared_free(p);
    return failed(err, "preparing a convolution", status);
}

void onednn_prepared_free(struct onednn_prepared *p)
{
    if (!p) return;
    plan_free(p->plan);
    if (p->stream) dnnl_stream_destroy(p->stream);
    if (!p->borrowed) {
        free(p->w);
        free(p->bias);
    }
    free(p);
}

size_t onednn_prepared_bytes(const struct onednn_prepared *p)
{
    return p->borrowed ? 0 : p->plan->w_bytes;
}

size_t onednn_scratchpad_bytes(const struct onednn_prepared *p)
{
    return p->plan->scratchpad_bytes;
}

nn_status onednn_run(struct cpu_backend *cpu, const struct onednn_prepared *p, const void *from, void *to,
                     void *scratchpad, struct nn_error *err)
{
    struct plan *plan = p->plan;
    bool data = p->pass == ONEDNN_BACKWARD_DATA;
    dnnl_memory_set_data_handle(data ? plan->y : plan->x, (void *)(uintptr_t)from);
    dnnl_memory_set_data_handle(data ? plan->x : plan->y, to);
    dnnl_memory_set_data_handle(plan->scratchpad, scratchpad);
    dnnl_status_t status = execute(cpu->onednn, p->stream, plan, p->pass);
    return status == dnnl_success ? NN_OK : failed(err, plan->implementation, status);
}
