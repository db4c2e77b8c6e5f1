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
        err->status = status;
    }
    return status;
}
