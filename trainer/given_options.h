/* What was given on a command's line: read once, then asked for by an option's code.
 *
 *     enum { OUT, SIZE, HELP };
 *     static const struct option options[] = {{"out", required_argument, NULL, OUT}, ... };
 *     struct tr_given given = {.options = options, .usage = usage};
 *     if (tr_given_read(&given, argc, argv, &exit_status)) return exit_status; */
#ifndef TR_GIVEN_OPTIONS_H
#define TR_GIVEN_OPTIONS_H

#include <getopt.h>
#include <stdint.h>

enum { TR_GIVEN_MAX = 64 };

struct tr_given {
    /* Set by the caller. */
    const struct option *options; /* options[k].val is k; ends in zeroes; the last before them is --help */
    const char *usage;            /* printed for --help; NULL: the caller prints it */
    int words;                    /* how many words may stand beside options */

    /* As read. */
    const char *command; /* "evaluate labels" */
    struct {
        int code;
        const char *text; /* "" of an option that takes none */
    } list[TR_GIVEN_MAX]; /* in the order of the line */
    int count;
    const char *word; /* the last word beside options, NULL without */
};

/* argv[0] is "roentgym COMMAND". 0: go on; otherwise *exit_status is 0 after --help, or 2 after one line that
 * says what is wrong. Texts are borrowed from argv. */
int tr_given_read(struct tr_given *given, int argc, char **argv, int *exit_status);

/* The last value of an option; NULL: it was not given. */
const char *tr_given_text(const struct tr_given *given, int code);
const char *tr_given_or(const struct tr_given *given, int code, const char *otherwise);

/* As in trainer/option_value.h; *value stays where the option was not given. */
int tr_given_whole(const struct tr_given *given, int code, uint64_t low, uint64_t high, uint64_t *value);
int tr_given_int(const struct tr_given *given, int code, int low, int high, int *value);
int tr_given_number(const struct tr_given *given, int code, double low, double high, double *value);
int tr_given_word(const struct tr_given *given, int code, const char *const *words, int *value);
int tr_given_wrong(const struct tr_given *given, int code, const char *wanted);

/* "roentgym COMMAND: COMPLAINT; see roentgym COMMAND --help" on stderr; returns 2. */
int tr_given_refuse(const struct tr_given *given, const char *complaint);

#endif
