/* `roentgym import`: from a file that a converter has written to a checkpoint. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/given_options.h"
#include "trainer/option_value.h"

static const char usage[] =
    "usage: roentgym import FILE.safetensors --out CHECKPOINT --licence TEXT [options]\n"
    "\n"
    "Verifies a generator that trainer/import/pggan_to_safetensors.py has converted (names, shapes, finite\n"
    "values, hash) and writes a checkpoint that `roentgym sample` and the daemon load.\n"
    "\n"
    "  --out FILE        the checkpoint, NAME.safetensors; must not be there yet\n"
    "  --licence TEXT    under which you may use the weights; kept in the checkpoint and in every image\n"
    "                    (those published with the PGGAN paper: CC BY-NC 4.0)\n"
    "  --name TEXT       of the model, up to 127 bytes; default the converted file's\n"
    "  --classes A,B,... names of the labels, in their order; default label_0, label_1, ...\n"
    "  --multi-label     labels may be together, and are findings rather than classes\n"
    "  --simulated       the training data were simulated; without it they count as real\n"
    "  --help\n";

struct import_options {
    const char *file, *out, *licence, *name, *classes;
    bool multi_label, simulated;
};

/* ---- options ------------------------------------------------------------------------------------ */

/* One line of text that fits. */
static int check_line(const char *option, const char *text, size_t size)
{
    bool good = !text || (*text && strlen(text) < size);
    for (const char *c = text; good && c && *c; c++) good = (unsigned char)*c >= 32;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "one line of 1 to %zu bytes", size - 1);
    return good ? 0 : tr_option_wrong("import", option, text, wanted);
}

static int check_options(const struct import_options *o)
{
    int status = check_line("licence", o->licence, sizeof((struct nn_checkpoint *)0)->licence);
    return status ? status : check_line("name", o->name, sizeof((struct nn_checkpoint *)0)->name);
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct import_options *o, int argc, char **argv, int *status)
{
    enum { OUT, LICENCE, NAME, CLASSES, MULTI_LABEL, SIMULATED, HELP };
    static const struct option options[] = {
        {"out", required_argument, NULL, OUT},
        {"licence", required_argument, NULL, LICENCE},
        {"name", required_argument, NULL, NAME},
        {"classes", required_argument, NULL, CLASSES},
        {"multi-label", no_argument, NULL, MULTI_LABEL},
        {"simulated", no_argument, NULL, SIMULATED},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct tr_given given = {.options = options, .usage = usage, .words = 1};
    if (tr_given_read(&given, argc, argv, status)) return 1;
    *o = (struct import_options){.file = given.word,
                                 .out = tr_given_text(&given, OUT),
                                 .licence = tr_given_text(&given, LICENCE),
                                 .name = tr_given_text(&given, NAME),
                                 .classes = tr_given_text(&given, CLASSES),
                                 .multi_label = tr_given_text(&given, MULTI_LABEL) != NULL,
                                 .simulated = tr_given_text(&given, SIMULATED) != NULL};
    if (!o->file || !o->out || !o->licence)
        return *status = tr_given_refuse(&given,
                                         "FILE.safetensors, --out CHECKPOINT and --licence TEXT are needed");
    *status = check_options(o);
    return *status != 0;
}

/* ---- work --------------------------------------------------------------------------------------- */

static nn_status add_class(struct nn_checkpoint *c, int index, const char *name, size_t length,
                           struct nn_error *err)
{
    if (index >= c->class_count)
        return nn_fail(err, NN_ERR_ARGUMENT, "--classes has more names than the model's %d labels",
                       c->class_count);
    if (length < 1 || length >= NN_CLASS_NAME_MAX || memchr(name, '/', length) || memchr(name, '|', length))
        return nn_fail(err, NN_ERR_ARGUMENT, "--classes: name %d is not 1 to %d bytes without / and |",
                       index + 1, NN_CLASS_NAME_MAX - 1);
    memcpy(c->classes[index], name, length);
    c->classes[index][length] = 0;
    if (!strcmp(c->classes[index], NN_CLASS_NONE) || !strcmp(c->classes[index], NN_CLASS_ANY))
        return nn_fail(err, NN_ERR_ARGUMENT, "--classes: '%s' has a meaning of its own", c->classes[index]);
    for (int k = 0; k < index; k++)
        if (!strcmp(c->classes[k], c->classes[index]))
            return nn_fail(err, NN_ERR_ARGUMENT, "--classes has '%s' twice", c->classes[index]);
    return NN_OK;
}

static nn_status name_classes(struct nn_checkpoint *c, const char *text, struct nn_error *err)
{
    int count = 0;
    nn_status status = NN_OK;
    for (const char *at = text, *end; at && status == NN_OK; at = *end ? end + 1 : NULL) {
        end = strchrnul(at, ',');
        status = add_class(c, count++, at, (size_t)(end - at), err);
    }
    if (status != NN_OK || !text || count == c->class_count) return status;
    return nn_fail(err, NN_ERR_ARGUMENT, "--classes has %d names, the model %d labels", count,
                   c->class_count);
}

static nn_status apply(const struct import_options *o, struct nn_checkpoint *c, struct nn_network *generator,
                       struct nn_error *err)
{
    nn_status status = name_classes(c, o->classes, err);
    if (status != NN_OK) return status;
    snprintf(c->licence, sizeof c->licence, "%s", o->licence);
    if (o->name) snprintf(c->name, sizeof c->name, "%s", o->name);
    c->simulated = o->simulated;
    c->config.label_kind = o->multi_label ? NN_LABELS_MULTI : NN_LABELS_CLASSES;
    generator->config = c->config;
    return nn_gan_check(&c->config, err);
}

static nn_status import_file(const struct import_options *o, struct nn_error *err)
{
    struct nn_checkpoint c;
    struct nn_network generator;
    float *values;
    char sha256[65];
    if (access(o->out, F_OK) == 0)
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: is there already; it is left as it is", o->out);
    nn_status status = nn_checkpoint_read_import(o->file, &c, &generator, &values, sha256, err);
    if (status != NN_OK) return status;
    status = apply(o, &c, &generator, err);
    if (status == NN_OK) status = nn_checkpoint_write(o->out, &c, &generator, values, err);
    if (status == NN_OK)
        printf(
            "%s: generator of %dx%d, %d labels, %zu weights, all finite and as converted; %s; licence: %s\n",
            o->out, 1 << c.config.resolution_log2, 1 << c.config.resolution_log2, c.class_count,
            generator.value_count, c.provenance, c.licence);
    nn_network_release(&generator);
    free(values);
    return status;
}

int tr_import_main(int argc, char **argv)
{
    struct import_options options;
    struct nn_error err;
    int exit_status;
    if (parse(&options, argc, argv, &exit_status)) return exit_status;
    return tr_command_end(argv[0], NULL, import_file(&options, &err), &err);
}
