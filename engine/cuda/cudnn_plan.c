#include "engine/cuda/cudnn_plan.h"

#include <stdio.h>
#include <string.h>

typedef cudnnBackendDescriptor_t descriptor;

enum { CONFIGS_MAX = 24, NOTES_MAX = CUDNN_NUMERICAL_NOTE_TYPE_COUNT };
enum { ID_X = 1, ID_W, ID_Y };

nn_status cudnn_check(cudnnStatus_t code, const char *call, struct nn_error *err)
{
    if (code == CUDNN_STATUS_SUCCESS) return NN_OK;
    bool memory = code == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
                  code == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    char detail[200] = "";
    cudnnGetLastErrorString(detail, sizeof detail);
    for (char *c = detail; *c; c++)
        if (*c == '\n') *c = ' ';
    return nn_fail(err, memory ? NN_ERR_MEMORY : NN_ERR_DEVICE, "cuda: %s: %s%s%s", call,
                   cudnnGetErrorString(code), *detail ? ": " : "", detail);
}

/* Codes that say nothing about the shape: all that cuDNN was asked for would end so. Those below BAD_PARAM
 * are about its libraries. */
static bool is_broken(cudnnStatus_t code)
{
    switch (code) {
    case CUDNN_STATUS_SUCCESS:
        return false;
    case CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER:
    case CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART:
    case CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING:
    case CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE:
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
        return true;
    default:
        return code < CUDNN_STATUS_BAD_PARAM || code >= CUDNN_STATUS_EXECUTION_FAILED;
    }
}

/* ---- descriptors: the first failure leaves its mark, and the rest do nothing ------------------------- */

struct maker {
    cudnnStatus_t code;
};

static descriptor create(struct maker *m, cudnnBackendDescriptorType_t type)
{
    descriptor d = NULL;
    if (m->code == CUDNN_STATUS_SUCCESS) m->code = cudnnBackendCreateDescriptor(type, &d);
    return d;
}

static void set(struct maker *m, descriptor d, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    if (m->code == CUDNN_STATUS_SUCCESS) m->code = cudnnBackendSetAttribute(d, name, type, count, values);
}

static void set_int(struct maker *m, descriptor d, cudnnBackendAttributeName_t name, int64_t value)
{
    set(m, d, name, CUDNN_TYPE_INT64, 1, &value);
}

static void set_descriptor(struct maker *m, descriptor d, cudnnBackendAttributeName_t name, descriptor value)
{
    set(m, d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
}

static void finalize(struct maker *m, descriptor d)
{
    if (m->code == CUDNN_STATUS_SUCCESS) m->code = cudnnBackendFinalize(d);
}

static void destroy(descriptor *d)
{
    if (*d) cudnnBackendDestroyDescriptor(*d);
    *d = NULL;
}

/* ---- the operation ---------------------------------------------------------------------------------- */

/* Dimensions are always named N,C,H,W (for a weight O,I,K,K); the strides say that channels lie closest. */
static descriptor make_tensor(struct maker *m, const struct nn_tensor *t, int64_t id)
{
    descriptor d = create(m, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    struct nn_shape s = t->shape;
    const int64_t size[] = {s.n, s.c, s.h, s.w};
    const int64_t stride[] = {(int64_t)s.h * s.w * s.c, 1, (int64_t)s.w * s.c, s.c};
    cudnnDataType_t type = t->type == NN_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    set(m, d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(m, d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, size);
    set(m, d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride);
    set_int(m, d, CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
    set_int(m, d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 16);
    finalize(m, d);
    return d;
}

static descriptor make_geometry(struct maker *m, const struct nn_conv *g)
{
    descriptor d = create(m, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const int64_t pad[] = {g->pad_h, g->pad_w}, stride[] = {g->stride, g->stride}, dilation[] = {1, 1};
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    set_int(m, d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2);
    set(m, d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(m, d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(m, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
    set(m, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
    set(m, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
    set(m, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilation);
    finalize(m, d);
    return d;
}

/* The names that one operation's descriptor gives to the same six things. */
struct operation_names {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t geometry, x, w, y, alpha, beta;
};

static const struct operation_names operations[] = {
    [CUDA_MAKE_Y] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    [CUDA_MAKE_X] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    [CUDA_MAKE_W] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

/* Keeps what the graph is made of: cuDNN does not say that a graph holds copies. */
static void make_graph(struct maker *m, const struct cudnn_target *target, const struct cuda_conv_call *c,
                       struct cudnn_plan *p)
{
    const struct operation_names *names = &operations[c->role];
    const float one = 1, zero = 0;
    descriptor x = make_tensor(m, &c->x, ID_X), w = make_tensor(m, &c->w, ID_W),
               y = make_tensor(m, &c->y, ID_Y);
    descriptor geometry = make_geometry(m, &c->geometry), operation = create(m, names->type);
    set_descriptor(m, operation, names->geometry, geometry);
    set_descriptor(m, operation, names->x, x);
    set_descriptor(m, operation, names->w, w);
    set_descriptor(m, operation, names->y, y);
    set(m, operation, names->alpha, CUDNN_TYPE_FLOAT, 1, &one);
    set(m, operation, names->beta, CUDNN_TYPE_FLOAT, 1, &zero);
    finalize(m, operation);
    descriptor graph = p->graph = create(m, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(m, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &operation);
    if (!target->device)
        set(m, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &target->handle);
    finalize(m, graph);
    const descriptor parts[] = {operation, geometry, x, w, y};
    memcpy(p->parts, parts, sizeof p->parts);
}

/* ---- the choice of an engine ------------------------------------------------------------------------ */

/* The search for a plan: for which device, and what it met that was broken, or success. */
struct search {
    const struct cudnn_target *target;
    bool exact;
    bool (*fits)(void *context, size_t workspace_bytes);
    void *context;
    cudnnStatus_t broken;
};

static void note(struct search *s, cudnnStatus_t code)
{
    if (is_broken(code)) s->broken = code;
}

/* cuDNN's ranking for the graph; `configs` receives up to CONFIGS_MAX, the best first. */
static int rank_configs(struct search *s, descriptor graph, cudnnBackendHeurMode_t mode,
                        descriptor configs[CONFIGS_MAX])
{
    const struct cudnn_target *target = s->target;
    struct maker m = {CUDNN_STATUS_SUCCESS};
    int64_t found = 0;
    descriptor heuristic = create(&m, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set_descriptor(&m, heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(&m, heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (target->device) set_descriptor(&m, heuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, target->device);
    finalize(&m, heuristic);
    for (int i = 0; i < CONFIGS_MAX; i++) configs[i] = create(&m, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (m.code == CUDNN_STATUS_SUCCESS)
        m.code = cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, CONFIGS_MAX, &found, configs);
    destroy(&heuristic);
    note(s, m.code);
    if (m.code != CUDNN_STATUS_SUCCESS) found = 0;
    for (int i = (int)found; i < CONFIGS_MAX; i++) destroy(&configs[i]);
    return (int)found;
}

/* Whether the engine gives the same bits each time and keeps to the precision of its inputs: bf16 maps may
 * use the tensor cores, which add in f32; f32 maps may not, since there they would round to TF32. */
static bool engine_fits(descriptor config, bool exact, char text[64])
{
    struct maker m = {CUDNN_STATUS_SUCCESS};
    cudnnBackendNumericalNote_t notes[NOTES_MAX];
    int64_t count = 0, index = -1, got = 0;
    descriptor engine = create(&m, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (m.code == CUDNN_STATUS_SUCCESS)
        m.code = cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                          1, &got, &engine);
    if (m.code == CUDNN_STATUS_SUCCESS)
        m.code = cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                          NOTES_MAX, &count, notes);
    if (m.code == CUDNN_STATUS_SUCCESS)
        cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &got, &index);
    destroy(&engine);
    bool fits = m.code == CUDNN_STATUS_SUCCESS, tensor_cores = false;
    for (int64_t i = 0; i < count && i < NOTES_MAX; i++) {
        tensor_cores |= notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
        if (notes[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC ||
            notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS ||
            notes[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION ||
            notes[i] == CUDNN_NUMERICAL_NOTE_FFT || notes[i] == CUDNN_NUMERICAL_NOTE_WINOGRAD)
            fits = false;
    }
    snprintf(text, 64, "engine %lld%s", (long long)index, tensor_cores ? ", tensor cores" : "");
    return fits && !(exact && tensor_cores);
}

static cudnnStatus_t make_plan(const struct cudnn_target *target, struct cudnn_plan *p)
{
    struct maker m = {CUDNN_STATUS_SUCCESS};
    int64_t workspace = 0, got = 0;
    p->plan = create(&m, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set_descriptor(&m, p->plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, p->config);
    if (target->device)
        set_descriptor(&m, p->plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, target->device);
    else
        set(&m, p->plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &target->handle);
    finalize(&m, p->plan);
    if (m.code == CUDNN_STATUS_SUCCESS)
        m.code = cudnnBackendGetAttribute(p->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64,
                                          1, &got, &workspace);
    if (m.code != CUDNN_STATUS_SUCCESS) destroy(&p->plan);
    p->workspace_bytes = (size_t)workspace;
    return m.code;
}

/* The first of the configurations that fits and that cuDNN makes a plan of. */
static bool choose(struct search *s, cudnnBackendHeurMode_t mode, struct cudnn_plan *p)
{
    descriptor configs[CONFIGS_MAX] = {NULL};
    int count = rank_configs(s, p->graph, mode, configs);
    for (int i = 0; i < count && !p->plan; i++) {
        if (!engine_fits(configs[i], s->exact, p->engine)) continue;
        p->config = configs[i];
        note(s, make_plan(s->target, p));
        if (p->plan && !s->fits(s->context, p->workspace_bytes)) destroy(&p->plan);
        if (p->plan) configs[i] = NULL; /* the plan's now */
    }
    if (!p->plan) p->config = NULL;
    for (int i = 0; i < CONFIGS_MAX; i++) destroy(&configs[i]);
    return p->plan != NULL;
}

nn_status cudnn_plan_make(const struct cudnn_target *target, const struct cuda_conv_call *c,
                          bool (*fits)(void *context, size_t workspace_bytes), void *context,
                          struct cudnn_plan *p, struct nn_error *err)
{
    struct maker m = {CUDNN_STATUS_SUCCESS};
    struct search s = {target, c->x.type == NN_F32, fits, context, CUDNN_STATUS_SUCCESS};
    *p = (struct cudnn_plan){0};
    make_graph(&m, target, c, p);
    note(&s, m.code);
    if (m.code == CUDNN_STATUS_SUCCESS &&
        (choose(&s, CUDNN_HEUR_MODE_A, p) || choose(&s, CUDNN_HEUR_MODE_FALLBACK, p)))
        return NN_OK;
    cudnn_plan_release(p);
    return cudnn_check(s.broken, "planning a convolution", err);
}

void cudnn_plan_release(struct cudnn_plan *p)
{
    destroy(&p->plan);
    destroy(&p->config);
    destroy(&p->graph);
    for (size_t i = 0; i < sizeof p->parts / sizeof *p->parts; i++) destroy(&p->parts[i]);
}

nn_status cudnn_plan_execute(cudnnHandle_t handle, const struct cudnn_plan *p, const struct cuda_conv_call *c,
                             void *workspace, struct nn_error *err)
{
    struct maker m = {CUDNN_STATUS_SUCCESS};
    const int64_t ids[] = {ID_X, ID_W, ID_Y};
    void *const data[] = {c->x.data, c->w.data, c->y.data};
    descriptor pack = create(&m, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, ids);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, data);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    finalize(&m, pack);
    if (m.code == CUDNN_STATUS_SUCCESS) m.code = cudnnBackendExecute(handle, p->plan, pack);
    destroy(&pack);
    return cudnn_check(m.code, "cudnnBackendExecute", err);
}
