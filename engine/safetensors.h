/* The safetensors file format (github.com/huggingface/safetensors, "Format"): 8 bytes little-endian header
 * length, a JSON header {"__metadata__": {key: text}, name: {"dtype", "shape", "data_offsets"}, ...}, then
 * the raw little-endian tensors without holes. Generic: knows nothing of networks.
 *
 * Threads: an open file belongs to one thread at a time. */
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

enum {
    NN_ST_DIMS_MAX = 4,
    NN_ST_HEADER_MAX = 8 << 20, /* bytes; bounds what parsing a hostile header may cost */
};

enum nn_st_type {
    NN_ST_F64,
    NN_ST_I64,
    NN_ST_U64,
    NN_ST_F32,
    NN_ST_I32,
    NN_ST_U32,
    NN_ST_F16,
    NN_ST_BF16,
    NN_ST_I16,
    NN_ST_U16,
    NN_ST_I8,
    NN_ST_U8,
    NN_ST_BOOL,
};

/* A tensor to write (all borrowed) or one of an open file (name and data belong to the file). Rank 0 is a
 * scalar; a dimension of 0 makes an empty tensor. */
struct nn_st_tensor {
    const char *name;
    enum nn_st_type type;
    int rank; /* 0 .. NN_ST_DIMS_MAX */
    int64_t dims[NN_ST_DIMS_MAX];
    const void *data; /* host memory, row-major. Of a foreign file it may be unaligned: memcpy from it. NULL
                         where only the header was read. */
};

/* One entry of the metadata: UTF-8 text without zero bytes. */
struct nn_st_text {
    const char *key, *value;
};

const char *nn_st_type_name(enum nn_st_type type); /* "F32", ... as in the file */
size_t nn_st_type_size(enum nn_st_type type);      /* bytes an element */
/* Elements times their size, of a tensor of an open file or of sane dimensions. */
size_t nn_st_tensor_bytes(const struct nn_st_tensor *tensor);

/* Writes to a temporary file beside `path`, fsyncs, renames: `path` is the old file or the whole new one.
 * The same input gives the same bytes. Elements of 8 bytes come first, then 4, 2, 1, else in the order
 * given, so that every tensor is aligned to its element; the first lies at a multiple of 64 bytes.
 * NN_ERR_ARGUMENT: a name that is empty, "__metadata__", given twice or not UTF-8; a bad rank or dimension;
 * the same of a metadata key. */
nn_status nn_st_write(const char *path, const struct nn_st_tensor *tensors, int count,
                      const struct nn_st_text *metadata, int metadata_count,
                      struct nn_error *err) NN_MUST_CHECK;

struct nn_st_file;

/* Reads the whole file into memory and checks all of it: lengths, JSON, types, dimensions, and that the
 * tensors fill the data exactly, without hole or overlap. Error texts name the file and the tensor.
 * The caller closes. On failure *file is NULL. */
nn_status nn_st_open(struct nn_st_file **file, const char *path, struct nn_error *err) NN_MUST_CHECK;
/* Reads the header only and checks as much: all but the values. The file has no SHA-256 then. */
nn_status nn_st_open_header(struct nn_st_file **file, const char *path, struct nn_error *err) NN_MUST_CHECK;
/* nn_st_open from memory, which it borrows until it is closed; `name` stands for the path in error texts. */
nn_status nn_st_open_memory(struct nn_st_file **file, const void *bytes, size_t size_bytes, const char *name,
                            struct nn_error *err) NN_MUST_CHECK;
void nn_st_close(struct nn_st_file *file); /* NULL is harmless */

/* Pointers that the following functions return belong to the file. */

int nn_st_count(const struct nn_st_file *file);
/* Tensor `index`, 0 .. count-1, in the order of their data. */
const struct nn_st_tensor *nn_st_at(const struct nn_st_file *file, int index);
const struct nn_st_tensor *nn_st_find(const struct nn_st_file *file, const char *name); /* NULL: none */

/* Finds `name` and insists on its type and shape: *data is its bytes, else NN_ERR_FORMAT that says what is
 * missing or what is there instead. `dims` has `rank` entries. */
nn_status nn_st_get(const struct nn_st_file *file, const char *name, enum nn_st_type type, int rank,
                    const int64_t *dims, const void **data, struct nn_error *err) NN_MUST_CHECK;

const char *nn_st_metadata(const struct nn_st_file *file, const char *key); /* NULL: none */
int nn_st_metadata_count(const struct nn_st_file *file);
struct nn_st_text nn_st_metadata_at(const struct nn_st_file *file, int index); /* in file order */

/* SHA-256 of the whole file, which must be open with its values, lower-case hex; about 3 s a gigabyte. */
void nn_st_sha256(const struct nn_st_file *file, char hex[65]);

#endif
