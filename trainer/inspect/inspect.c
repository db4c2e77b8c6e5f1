#include "trainer/inspect/inspect.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/safetensors.h"
#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/given_options.h"
#include "trainer/interrupt.h"

static const char usage[] =
    "usage: roentgym inspect FILE|DIR [--json]\n"
    "\n"
    "Says what something is, after reading and checking all of it: a generator "
    "checkpoint, a training state, the\n"
    "folder of a training run, or of a data set (images of each label and split, "
    "sizes and depths, grey levels, images that\n"
    "look alike, "
    "unreadable images, patients and images that are in both splits, boxes of hips).\n"
    "\n"
    "Exit status 1, and a line on stderr, where something cannot be read or is not as it must be: a patient "
    "or "
    "an image\n"
    "in both splits, an image or a state that is not whole, a labels.csv that training would refuse. The "
    "lines "
    "of problems\n"
    "name all of it.\n"
    "\n"
    "  --json             as one JSON object\n"
    "  --help\n";

/* ---- which it is -------------------------------------------------------------------------------- */

static bool is_in(const char *folder, const char *file)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/%s", folder, file) < (int)sizeof path && access(path, F_OK) == 0;
}

static nn_status inspect_file(const char *path, json_t **facts, struct nn_error *err)
{
    struct nn_st_file *file;
    char format[64] = "";
    nn_status status = nn_st_open(&file, path, err);
    if (status != NN_OK) return status;
    if (nn_st_metadata(file, "format")) snprintf(format, sizeof format, "%s", nn_st_metadata(file, "format"));
    nn_st_close(file);
    if (strcmp(format, "roentgym-training-state") == 0) return tr_inspect_state(path, facts, err);
    return tr_inspect_checkpoint(path, facts, err); /* says what is foreign in what is neither */
}

static nn_status inspect(const char *path, bool json, json_t **facts, struct nn_error *err)
{
    struct stat info;
    *facts = NULL;
    if (stat(path, &info) != 0) return nn_fail(err, NN_ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode)) return inspect_file(path, facts, err);
    if (is_in(path, "labels.csv")) return tr_inspect_data(path, !json && isatty(STDOUT_FILENO), facts, err);
    if (tr_inspect_run(path, facts, err) == NN_OK) return NN_OK;
    if (err->status != NN_ERR_FORMAT) return err->status;
    return nn_fail(err, NN_ERR_FORMAT, "%s: neither a data set (no labels.csv) nor a training run", path);
}

/* ---- as text ------------------------------------------------------------------------------------ */

/* A foreign file's text must not steer the terminal. */
static void print_plain(const char *text)
{
    for (; *text; text++) putchar((unsigned char)*text < 32 || *text == 127 ? ' ' : *text);
}

static void print_scalar(const json_t *value)
{
    if (json_is_string(value))
        print_plain(json_string_value(value));
    else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        printf("%.7g", json_real_value(value));
    else
        fputs(json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-", stdout);
}

/* Keys are words joined by underscores; values stand in one column, those of inner objects under their key.
 */
static void print_text(json_t *object, int indent)
{
    const char *key;
    json_t *value, *entry;
    size_t i;
    json_object_foreach(object, key, value)
    {
        int width = printf("%*s", indent, "") + (int)strlen(key);
        for (const char *c = key; *c; c++) print_plain((char[]){*c == '_' && indent == 0 ? ' ' : *c, '\0'});
        if (json_is_object(value)) {
            putchar('\n');
            print_text(value, indent + 2);
            continue;
        }
        int gap = width < 30 ? 30 - width : 1;
        if (!json_is_array(value) || json_array_size(value) == 0) {
            printf("%*s", gap, "");
            if (json_is_array(value))
                fputs("none", stdout);
            else
                print_scalar(value);
            putchar('\n');
        }
        json_array_foreach(value, i, entry)
        {
            printf("%*s", i == 0 ? gap : 30, "");
            print_scalar(entry);
            putchar('\n');
        }
    }
}

static nn_status print_json(const json_t *facts, struct nn_error *err)
{
    char *text = json_dumps(facts, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    if (!text) return nn_fail(err, NN_ERR_MEMORY, "out of memory for the answer");
    puts(text);
    free(text);
    return NN_OK;
}

/* A script asks the exit status alone. */
static nn_status judge(const char *path, const json_t *problems, struct nn_error *err)
{
    size_t count = json_array_size(problems);
    if (count == 0) return NN_OK;
    const char *first = json_string_value(json_array_get(problems, 0));
    if (count == 1) return nn_fail(err, NN_ERR_FORMAT, "%s: %s", path, first);
    return nn_fail(err, NN_ERR_FORMAT, "%s: %s; and %zu more problem%s", path, first, count - 1,
                   count == 2 ? "" : "s");
}

int tr_inspect_main(int argc, char **argv)
{
    enum { JSON, HELP };
    static const struct option options[] = {
        {"json", no_argument, NULL, JSON}, {"help", no_argument, NULL, HELP}, {NULL, 0, NULL, 0}};
    json_t *facts;
    struct nn_error err;
    struct tr_given given = {.options = options, .usage = usage, .words = 1};
    int exit_status;
    if (tr_given_read(&given, argc, argv, &exit_status)) return exit_status;
    const char *path = given.word;
    bool as_json = tr_given_text(&given, JSON) != NULL;
    if (!path) return tr_given_refuse(&given, "one FILE or DIR is needed");
    tr_interrupt_catch();
    nn_status status = inspect(path, as_json, &facts, &err);
    if (status == NN_OK) json_object_set_new(facts, "problems", tr_inspect_problems(facts));
    if (status == NN_OK && as_json) status = print_json(facts, &err);
    if (status == NN_OK && !as_json) print_text(facts, 0);
    if (status == NN_OK) status = judge(path, json_object_get(facts, "problems"), &err);
    json_decref(facts);
    return tr_command_end(argv[0], NULL, status, &err);
}
