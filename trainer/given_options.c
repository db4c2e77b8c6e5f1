#include "trainer/given_options.h"

#include <stdio.h>
#include <string.h>

#include "trainer/option_value.h"

int tr_given_refuse(const struct tr_given *g, const char *complaint)
{
    fprintf(stderr, "roentgym %s: %s; see roentgym %s --help\n", g->command, complaint, g->command);
    return 2;
}

static int refuse_word(const struct tr_given *g, const char *word)
{
    char complaint[200];
    snprintf(complaint, sizeof complaint, "'%.100s' is not an option", word);
    return tr_given_refuse(g, complaint);
}

int tr_given_read(struct tr_given *g, int argc, char **argv, int *exit_status)
{
    int help = 0, code;
    while (g->options[help + 1].name) help++;
    g->command = argv[0] + (strncmp(argv[0], "roentgym ", 9) == 0 ? 9 : 0);
    *exit_status = 2;
    while ((code = getopt_long(argc, argv, "", g->options, NULL)) != -1) {
        if (code == '?') return 1;
        if (code == help) {
            if (g->usage) fputs(g->usage, stdout);
            *exit_status = 0;
            return 1;
        }
        if (g->count == TR_GIVEN_MAX) return tr_given_refuse(g, "too many options");
        g->list[g->count].code = code;
        g->list[g->count++].text = optarg ? optarg : "";
    }
    if (argc - optind > g->words) return refuse_word(g, argv[optind + g->words]);
    if (optind < argc) g->word = argv[argc - 1];
    *exit_status = 0;
    return 0;
}

const char *tr_given_text(const struct tr_given *g, int code)
{
    for (int i = g->count - 1; i >= 0; i--)
        if (g->list[i].code == code) return g->list[i].text;
    return NULL;
}

const char *tr_given_or(const struct tr_given *g, int code, const char *otherwise)
{
    const char *text = tr_given_text(g, code);
    return text ? text : otherwise;
}

int tr_given_whole(const struct tr_given *g, int code, uint64_t low, uint64_t high, uint64_t *value)
{
    const char *text = tr_given_text(g, code);
    return text ? tr_option_whole(g->command, g->options[code].name, text, low, high, value) : 0;
}

int tr_given_int(const struct tr_given *g, int code, int low, int high, int *value)
{
    uint64_t number = (uint64_t)*value;
    int status = tr_given_whole(g, code, (uint64_t)low, (uint64_t)high, &number);
    *value = (int)number;
    return status;
}

int tr_given_number(const struct tr_given *g, int code, double low, double high, double *value)
{
    const char *text = tr_given_text(g, code);
    return text ? tr_option_number(g->command, g->options[code].name, text, low, high, value) : 0;
}

int tr_given_word(const struct tr_given *g, int code, const char *const *words, int *value)
{
    const char *text = tr_given_text(g, code);
    return text ? tr_option_word(g->command, g->options[code].name, text, words, value) : 0;
}

int tr_given_wrong(const struct tr_given *g, int code, const char *wanted)
{
    return tr_option_wrong(g->command, g->options[code].name, tr_given_text(g, code), wanted);
}
