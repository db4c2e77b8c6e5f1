#include "trainer/command_end.h"

#include <stdio.h>
#include <unistd.h>

int tr_command_end(const char *command, const char *goes_on, nn_status status, const struct nn_error *err)
{
    if (status == NN_OK) return 0;
    if (status != NN_STOPPED || !goes_on) {
        fprintf(stderr, "%s: %s\n", command, err->text);
        return 1;
    }
    /* On a terminal the cursor stands behind ^C, or on the line that shows progress. */
    if (isatty(STDOUT_FILENO)) putchar('\n');
    printf("%s; %s\n", err->text, goes_on);
    return 0;
}
