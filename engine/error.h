/* How the engine reports failure: a status, and one line of text in a buffer that the caller owns.
 *
 * The engine never prints and never exits. A function that can fail returns nn_status and takes a
 * `struct nn_error *`, which may be NULL when the text is not wanted. On success the error is left
 * untouched. The text names the file, field or number that was wrong and fits on one line. */
#ifndef NN_ERROR_H
#define NN_ERROR_H

typedef enum {
    NN_OK = 0,
    NN_ERR_ARGUMENT, /* the caller asked for something that does not exist or is out of range */
    NN_ERR_MEMORY,   /* host or device memory ran out */
    NN_ERR_IO,       /* the operating system refused: open, read, write, rename, disk full */
    NN_ERR_FORMAT,   /* a file is truncated, corrupt or foreign */
    NN_ERR_DEVICE,   /* a device or its library failed */
    NN_ERR_NUMERIC,  /* a value that must be finite is not */
    NN_STOPPED,      /* no failure: the caller asked for the work to end early */
} nn_status;

struct nn_error {
    nn_status status;
    char text[320];
};

#define NN_MUST_CHECK __attribute__((warn_unused_result))

/* Fills `err` (may be NULL) and returns `status`, so that a failing function ends in one line:
 *     return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno)); */
nn_status nn_fail(struct nn_error *err, nn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
