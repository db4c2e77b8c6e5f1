/* Dense tensors: a shape, an element type and a pointer into a backend's memory.
 *
 * Shapes are written (N,C,H,W) and stored channels-last, so element (n,c,y,x) lies at
 * ((n*H + y)*W + x)*C + c. Convolution weights are (O,I,K,K), stored O,K,K,I by the same rule. */
#ifndef NN_TENSOR_H
#define NN_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nn_type { NN_F32, NN_BF16, NN_F64 };

struct nn_shape {
    int n, c, h, w;
};

struct nn_tensor {
    struct nn_shape shape;
    enum nn_type type;
    void *data; /* backend memory; the tensor does not own it */
};

static inline struct nn_shape nn_shape(int n, int c, int h, int w)
{
    return (struct nn_shape){n, c, h, w};
}

static inline size_t nn_count(struct nn_shape s)
{
    return (size_t)s.n * s.c * s.h * s.w;
}

static inline bool nn_same_shape(struct nn_shape a, struct nn_shape b)
{
    return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

static inline size_t nn_type_size(enum nn_type type)
{
    return type == NN_BF16 ? 2 : type == NN_F32 ? 4 : 8;
}

static inline size_t nn_tensor_bytes(const struct nn_tensor *t)
{
    return nn_count(t->shape) * nn_type_size(t->type);
}

#endif
