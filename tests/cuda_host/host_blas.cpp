/* cublasGemmEx on the host, as its documentation has it: matrices by columns, C = alpha op(A) op(B). */
#include "cublas_v2.h"

#include <vector>

#include "cuda_bf16.h"
#include "cuda_runtime.h"

cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
    *handle = (cublasHandle_t)1;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusString(cublasStatus_t)
{
    return "an error";
}

/* rows x columns of `data`, whose columns lie `step` apart, as floats. */
static std::vector<float> widened(const void *data, cudaDataType_t type, int rows, int columns, int step)
{
    std::vector<float> out((size_t)rows * columns);
    for (size_t c = 0; c < (size_t)columns; c++)
        for (size_t r = 0; r < (size_t)rows; r++) {
            size_t i = c * step + r;
            out[c * rows + r] =
                type == CUDA_R_32F ? ((const float *)data)[i] : bf16_to_float(((const uint16_t *)data)[i]);
        }
    return out;
}

cublasStatus_t cublasGemmEx(cublasHandle_t, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void *alpha, const void *A, cudaDataType_t Atype, int lda,
                            const void *B, cudaDataType_t Btype, int ldb, const void *beta, void *C,
                            cudaDataType_t Ctype, int ldc, cublasComputeType_t, cublasGemmAlgo_t)
{
    int a_rows = transa == CUBLAS_OP_N ? m : k, b_rows = transb == CUBLAS_OP_N ? k : n;
    float scale = *(const float *)alpha;
    if (lda < a_rows || ldb < b_rows || ldc < m || *(const float *)beta != 0 || Atype != Btype)
        return CUBLAS_STATUS_INVALID_VALUE;
    host_enqueue([=] {
        std::vector<float> a = widened(A, Atype, a_rows, transa == CUBLAS_OP_N ? k : m, lda);
        std::vector<float> b = widened(B, Btype, b_rows, transb == CUBLAS_OP_N ? n : k, ldb);
        for (size_t j = 0; j < (size_t)n; j++)
            for (size_t i = 0; i < (size_t)m; i++) {
                float sum = 0;
                for (size_t d = 0; d < (size_t)k; d++)
                    sum += (transa == CUBLAS_OP_N ? a[d * a_rows + i] : a[i * a_rows + d]) *
                           (transb == CUBLAS_OP_N ? b[j * b_rows + d] : b[d * b_rows + j]);
                if (Ctype == CUDA_R_32F)
                    ((float *)C)[j * ldc + i] = scale * sum;
                else
                    ((uint16_t *)C)[j * ldc + i] = bf16_from_float(scale * sum);
            }
    });
    return CUBLAS_STATUS_SUCCESS;
}
