#include "trainer/option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/gan.h"

const char *const tr_option_devices[] = {"auto", "cpu", "cuda", NULL};

int tr_option_wrong(const char *command, const char *option, const char *text, const char *wanted)
{
    fprintf(stderr, "roentgym %s: --%s '", command, option);
    /* One line, whatever was typed. */
    for (; *text; text++) putc((unsigned char)*text < 32 ? ' ' : *text, stderr);
    fprintf(stderr, "' is not %s\n", wanted);
    return 2;
}

int tr_option_whole(const char *command, const char *option, const char *text, uint64_t low, uint64_t high,
                    uint64_t *value)
{
    char *end, wanted[80];
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    /* strtoull would take blanks and a sign first, and turn -1 into the largest number. */
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && number >= low && number <= high) {
        *value = number;
        return 0;
    }
    snprintf(wanted, sizeof wanted, "a number in %" PRIu64 "..%" PRIu64, low, high);
    return tr_option_wrong(command, option, text, wanted);
}

int tr_option_number(const char *command, const char *option, const char *text, double low, double high,
                     double *value)
{
    char *end, wanted[64];
    double number = strtod(text, &end);
    if (end != text && !*end && number >= low && number <= high) {
        *value = number;
        return 0;
    }
    snprintf(wanted, sizeof wanted, "in %g..%g", low, high);
    return tr_option_wrong(command, option, text, wanted);
}

int tr_option_word(const char *command, const char *option, const char *text, const char *const *words,
                   int *value)
{
    char wanted[160] = "";
    int found = nn_word_index(words, text);
    if (found >= 0) {
        *value = found;
        return 0;
    }
    size_t used = 0;
    for (int k = 0; words[k] && used < sizeof wanted; k++)
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%s%s",
                                 !k             ? ""
                                 : words[k + 1] ? ", "
                                                : " or ",
                                 words[k]);
    return tr_option_wrong(command, option, text, wanted);
}
