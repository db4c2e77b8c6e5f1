/* How a command ends. */
#ifndef TR_COMMAND_END_H
#define TR_COMMAND_END_H

#include "engine/error.h"

/* Says in one line what went wrong, if anything did, and gives the exit status of trainer/commands.h.
 * `command`: "roentgym train". `goes_on`: how the work goes on when it was stopped ("the same command goes
 * on"), which is said on stdout and is status 0; NULL where a stop loses the work, which is a failure as any
 * other: its line is on stderr, its status 1. `err` is of `status` and not looked at on success. */
int tr_command_end(const char *command, const char *goes_on, nn_status status, const struct nn_error *err);

#endif
