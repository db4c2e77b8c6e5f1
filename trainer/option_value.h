/* Numbers and words on the command line. Each function returns 0, or 2, the exit status for wrong usage,
 * after one line on stderr that names command, option, value and what was wanted. Options are named without
 * their dashes. */
#ifndef TR_OPTION_VALUE_H
#define TR_OPTION_VALUE_H

#include <stdint.h>

/* A whole decimal number in low..high. *value is set only on success. */
int tr_option_whole(const char *command, const char *option, const char *text, uint64_t low, uint64_t high,
                    uint64_t *value);

/* A number in low..high, likewise. */
int tr_option_number(const char *command, const char *option, const char *text, double low, double high,
                     double *value);

/* One of `words`, which end in NULL; *value becomes its index, likewise. */
int tr_option_word(const char *command, const char *option, const char *text, const char *const *words,
                   int *value);
extern const char *const tr_option_devices[]; /* "auto", "cpu", "cuda", then NULL */

/* Says that `text` is not `wanted`; returns 2. */
int tr_option_wrong(const char *command, const char *option, const char *text, const char *wanted);

#endif
