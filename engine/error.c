#include "engine/error.h"

#include <stdarg.h>
#include <stdio.h>

nn_status nn_fail(struct nn_error *err, nn_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        /* A path, a tensor's name or a library's message may hold a line break; the contract is one line. */
        for (char *c = err->text; *c; c++)
            if ((unsigned char)*c < 32 || *c == 127) *c = ' ';
        err->status = status;
    }
    return status;
}
