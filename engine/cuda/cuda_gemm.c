/* Convolutions that are one matrix product, through cuBLAS. With x as rows of its pixels' channels (or, where
 * the kernel covers the input, of whole images), X (P,I'), W (O,I') and Y (P,O) all lie row by row:
 *     Y = X W^T,   X = Y W,   W = Y^T X.
 * cuBLAS counts by columns, so it is handed the transposed matrices, which is the same memory. */
#include "engine/cuda/cuda.h"

#include <cublas_v2.h>

/* The size that NVIDIA recommends from Hopper on. Given once, so that its choice of algorithm stays. */
static const size_t WORKSPACE_BYTES = 32 << 20;

static nn_status check(cublasStatus_t code, const char *call, struct nn_error *err)
{
    if (code == CUBLAS_STATUS_SUCCESS) return NN_OK;
    return nn_fail(err, code == CUBLAS_STATUS_ALLOC_FAILED ? NN_ERR_MEMORY : NN_ERR_DEVICE, "cuda: %s: %s",
                   call, cublasGetStatusString(code));
}

nn_status cuda_gemm_open(struct cuda_backend *cuda, struct nn_error *err)
{
    void *workspace = cuda_scratch(cuda, CUDA_SCRATCH_GEMM, WORKSPACE_BYTES, err);
    if (!workspace) return NN_ERR_MEMORY;
    nn_status status = check(cublasCreate(&cuda->gemm), "cublasCreate", err);
    if (!status) status = check(cublasSetStream(cuda->gemm, cuda->stream), "cublasSetStream", err);
    /* After cublasSetStream, which takes the workspace away. */
    if (!status)
        status = check(cublasSetWorkspace(cuda->gemm, workspace, WORKSPACE_BYTES), "cublasSetWorkspace", err);
    if (!status)
        status = check(cublasSetMathMode(cuda->gemm, CUBLAS_DEFAULT_MATH |
                                                         CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION),
                       "cublasSetMathMode", err);
    return status;
}

void cuda_gemm_close(struct cuda_backend *cuda)
{
    if (cuda->gemm) cublasDestroy(cuda->gemm);
}

bool cuda_gemm_fits(const struct cuda_conv_call *c)
{
    const struct nn_conv *g = &c->geometry;
    bool whole = c->x.shape.h == g->kernel_h && c->x.shape.w == g->kernel_w;
    return nn_conv_is(g, 1, 1, 0) || (g->pad_h == 0 && g->pad_w == 0 && whole);
}

static cudaDataType_t element_type(const struct nn_tensor *t)
{
    return t->type == NN_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

/* Row-major out (rows, columns) = scale * op(a) op(b), op(a) (rows, depth), op(b) (depth, columns). */
struct product {
    const struct nn_tensor *a, *b, *out;
    bool transpose_a, transpose_b;
    int rows, columns, depth;
};

static nn_status multiply(struct cuda_backend *cuda, const struct product *p, float scale,
                          struct nn_error *err)
{
    float zero = 0;
    int a_width = p->transpose_a ? p->rows : p->depth, b_width = p->transpose_b ? p->depth : p->columns;
    return check(cublasGemmEx(cuda->gemm, p->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                              p->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, p->columns, p->rows, p->depth,
                              &scale, p->b->data, element_type(p->b), b_width, p->a->data, element_type(p->a),
                              a_width, &zero, p->out->data, element_type(p->out), p->columns,
                              CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                 "cublasGemmEx", err);
}

nn_status cuda_gemm_run(struct cuda_backend *cuda, const struct cuda_conv_call *c, float scale,
                        struct nn_error *err)
{
    int outputs = c->w.shape.n, inputs = c->w.shape.c * c->w.shape.h * c->w.shape.w;
    int rows = c->y.shape.n * c->y.shape.h * c->y.shape.w;
    struct product p;
    if (c->role == CUDA_MAKE_Y)
        p = (struct product){&c->x, &c->w, &c->y, false, true, rows, outputs, inputs};
    else if (c->role == CUDA_MAKE_X)
        p = (struct product){&c->y, &c->w, &c->x, false, false, rows, inputs, outputs};
    else
        p = (struct product){&c->y, &c->x, &c->w, true, false, outputs, inputs, rows};
    return multiply(cuda, &p, scale, err);
}
