/* How a command ends. */
#ifndef TR_COMMAND_END_H
#define TR_COMMAND_END_H

#include "engine/error.h"

/* Prints in one line what went wrong, if anything did, and returns the exit status of trainer/commands.h.
 * `command` is "roentgym train", for instance. `goes_on` says how work that was stopped continues ("the same
 * command goes on"): a stop is then told on stdout, with status 0. Where it is NULL a stop loses the work and
 * is a failure like any other, told on stderr, with status 1. `err` belongs to `status`; it is not read on
 * success. */
int tr_command_end(const char *command, const char *goes_on, nn_status status, const struct nn_error *err);

#endif
