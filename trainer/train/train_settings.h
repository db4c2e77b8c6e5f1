/* The single values of a training's configuration, as one table: each row is an option of `roentgym train`
 * (--adam-beta1), a key of the configuration in the state (adam_beta1), its range, and a line of help. */
#ifndef TR_TRAIN_SETTINGS_H
#define TR_TRAIN_SETTINGS_H

#include <stdio.h>

#include "trainer/train/train_config.h"

struct json_t; /* jansson's */

enum { TR_SETTINGS_MAX = 64 };
int tr_settings_count(void); /* at most TR_SETTINGS_MAX */

/* The option's name without the dashes before it; lives as long as the program. */
const char *tr_setting_option(int index);

/* Sets the value from the command line's `text`. 0, or 2 after one line on stderr. */
int tr_setting_take(struct tr_train_config *c, int index, const char *text);

/* A line for each option. */
void tr_settings_help(FILE *out);

/* NN_OK when every value is in its range; the text names the first that is not. */
nn_status tr_settings_check(const struct tr_train_config *c, struct nn_error *err) NN_MUST_CHECK;

/* Adds all values to the object `root`; false: out of memory. */
bool tr_settings_pack(const struct tr_train_config *c, struct json_t *root) NN_MUST_CHECK;
/* Takes the values that `root` has and leaves the others as they are: states written before a setting existed
 * do not have it. False: one is damaged. */
bool tr_settings_unpack(struct tr_train_config *c, const struct json_t *root) NN_MUST_CHECK;

#endif
