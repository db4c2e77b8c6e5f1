/* `roentgym evaluate swd`: the sliced Wasserstein distance of a folder or a model from real images. */
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/command_end.h"
#include "trainer/data/image_source.h"
#include "trainer/given_options.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/overwrite.h"
#include "trainer/parts/parts.h"
#include "trainer/progress.h"
#include "trainer/swd/swd.h"
#include "trainer/text_file.h"

static const char usage[] =
    "usage: roentgym evaluate swd --real DIR (--fake DIR | --model FILE) [options]\n"
    "\n"
    "The sliced Wasserstein distance (Karras et al. 2018) of generated from real images, times 1000, for "
    "each level\n"
    "of their Laplacian pyramids, beside its floor: the distance between two sets of real images. In two "
    "forms:\n"
    "swd-3x shows grey as three channels, as published figures are made; swd-1 has one channel.\n"
    "DIR is a data set (its training images) or any folder of grey PNG files. All sets have as many "
    "images; half of\n"
    "the real ones make the floor, so at most that many are compared. Fewer images give larger distances.\n"
    "\n"
    "  --real DIR         real images\n"
    "  --fake DIR         generated images, or\n"
    "  --model FILE       a checkpoint that draws them, with the labels of the real ones\n"
    "  --images N         in each set, 1..16384; default as many as there are, and of a model at most 2048\n"
    "  --form NAME        swd-3x, swd-1 or both (default)\n"
    "  --memory-gib N     bound on what is held at once, 1..1024; default 4\n"
    "  --json FILE        the figures as JSON, too\n"
    "  --seed N           of places, directions and, with --model, latents; default 1\n"
    "  --device NAME      what draws: auto (default), cpu or cuda\n"
    "  --help\n";

enum { SET_REAL, SET_FAKE, SET_FLOOR, SETS, MODEL_IMAGES = 2048 };

struct evaluation {
    const char *real_path, *fake_path, *model_path, *json_path;
    bool forms[TR_SWD_FORMS];
    uint64_t images, seed, memory_gib; /* images 0: as many as there are */
    int device;                        /* of tr_option_devices */
    struct tr_image_source *real, *fake;
    int side;
    struct tr_progress progress[2]; /* of images, of comparing */
    bool compared;                  /* the second has begun */
    struct tr_swd_request request;
    struct tr_swd_result result;
    double seconds;
};

/* ---- options ------------------------------------------------------------------------------------ */

static int take_form(struct evaluation *e, const struct tr_given *given, int option)
{
    const char *text = tr_given_or(given, option, "both");
    bool both = strcmp(text, "both") == 0, any = false;
    for (int f = 0; f < TR_SWD_FORMS; f++)
        any |= e->forms[f] = both || strcmp(text, tr_swd_form_name((enum tr_swd_form)f)) == 0;
    return any ? 0 : tr_given_wrong(given, option, "swd-3x, swd-1 or both");
}

/* 0: go on; otherwise *status is the exit status. */
static int parse(struct evaluation *e, int argc, char **argv, int *status)
{
    enum { REAL, FAKE, MODEL, IMAGES, FORM, MEMORY, JSON, SEED, DEVICE, HELP };
    static const struct option options[] = {
        {"real", required_argument, NULL, REAL},
        {"fake", required_argument, NULL, FAKE},
        {"model", required_argument, NULL, MODEL},
        {"images", required_argument, NULL, IMAGES},
        {"form", required_argument, NULL, FORM},
        {"memory-gib", required_argument, NULL, MEMORY},
        {"json", required_argument, NULL, JSON},
        {"seed", required_argument, NULL, SEED},
        {"device", required_argument, NULL, DEVICE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct tr_given given = {.options = options, .usage = usage};
    if (tr_given_read(&given, argc, argv, status)) return 1;
    e->real_path = tr_given_text(&given, REAL), e->fake_path = tr_given_text(&given, FAKE);
    e->model_path = tr_given_text(&given, MODEL), e->json_path = tr_given_text(&given, JSON);
    *status = tr_given_whole(&given, IMAGES, 1, TR_SWD_IMAGES_PUBLISHED, &e->images);
    if (!*status) *status = take_form(e, &given, FORM);
    if (!*status) *status = tr_given_whole(&given, MEMORY, 1, 1024, &e->memory_gib);
    if (!*status) *status = tr_given_whole(&given, SEED, 0, INT64_MAX, &e->seed);
    if (!*status) *status = tr_given_word(&given, DEVICE, tr_option_devices, &e->device);
    if (!*status && (!e->real_path || !e->fake_path == !e->model_path))
        *status = tr_given_refuse(&given, "--real DIR and either --fake DIR or --model FILE are needed");
    return *status != 0;
}

/* ---- work --------------------------------------------------------------------------------------- */

static nn_status give(void *context, int set, int first, int count, uint8_t *pixels, struct nn_error *err)
{
    struct evaluation *e = context;
    const struct tr_image_source *source = set == SET_FAKE ? e->fake : e->real;
    int from = set == SET_FLOOR ? e->request.images + first : first;
    return tr_image_source_read(source, from, count, e->side, pixels, err);
}

static bool show(void *context, bool comparing, int done, int total)
{
    struct evaluation *e = context;
    if (comparing && !e->compared) tr_progress_start(&e->progress[1], "comparisons");
    e->compared |= comparing;
    tr_progress_show(&e->progress[comparing], done, total);
    return !tr_interrupted();
}

static nn_status choose_count(struct evaluation *e, struct nn_error *err)
{
    int real = tr_image_source_count(e->real), fake = tr_image_source_count(e->fake);
    int most = real / 2 < fake ? real / 2 : fake,
        wanted = e->images ? (int)e->images : TR_SWD_IMAGES_PUBLISHED;
    if (!e->images && tr_image_source_is_model(e->fake)) wanted = MODEL_IMAGES;
    if (most < 1) return nn_fail(err, NN_ERR_ARGUMENT, "%s: needs at least 2 images", e->real_path);
    if (e->images && wanted > most)
        return nn_fail(err, NN_ERR_ARGUMENT,
                       "--images %d: at most %d, of %d real images, half of them for the floor%s", wanted,
                       most, real, tr_image_source_is_model(e->fake) ? "" : ", and of the generated ones");
    e->request.images = wanted < most ? wanted : most;
    return NN_OK;
}

static nn_status measure(struct evaluation *e, struct nn_error *err)
{
    double started_s = tr_now_s();
    nn_status status = tr_image_source_open_folder(&e->real, e->real_path, err);
    if (status == NN_OK && e->fake_path) status = tr_image_source_open_folder(&e->fake, e->fake_path, err);
    if (status == NN_OK && e->model_path)
        status = tr_image_source_open_model(&e->fake, e->model_path, tr_option_devices[e->device], e->real,
                                            e->seed, err);
    if (status == NN_OK) status = choose_count(e, err);
    if (status != NN_OK) return status;
    int real_side = tr_image_source_side(e->real), fake_side = tr_image_source_side(e->fake);
    e->side = e->request.side = real_side < fake_side ? real_side : fake_side;
    e->request.sets = SETS;
    memcpy(e->request.forms, e->forms, sizeof e->forms);
    e->request.seed = e->seed;
    e->request.memory_bytes = (size_t)e->memory_gib << 30;
    e->request.source = give;
    e->request.progress = show;
    e->request.context = e;
    tr_progress_start(&e->progress[0], "images");
    status = tr_swd(&e->request, &e->result, err);
    e->seconds = tr_now_s() - started_s;
    return status;
}

/* ---- results ------------------------------------------------------------------------------------ */

static void print_row(const struct evaluation *e, const char *name, int level)
{
    printf("%-10s", name);
    for (int f = 0; f < TR_SWD_FORMS; f++) {
        const struct tr_swd_result *r = &e->result;
        if (!e->forms[f]) continue;
        if (level >= 0)
            printf("%12.2f%10.2f", r->distance[SET_FAKE - 1][f][level], r->distance[SET_FLOOR - 1][f][level]);
        else
            printf("%12.2f%10.2f", r->mean[SET_FAKE - 1][f], r->mean[SET_FLOOR - 1][f]);
    }
    putchar('\n');
}

static void print_table(const struct evaluation *e)
{
    printf("real: %s\nfake: %s\n%d images a set, %dx%d, seed %llu, %.0f s", tr_image_source_text(e->real),
           tr_image_source_text(e->fake), e->request.images, e->side, e->side, (unsigned long long)e->seed,
           e->seconds);
    printf(e->request.images < TR_SWD_IMAGES_PUBLISHED
               ? "; not comparable with published figures, which are for %d images\n\n"
               : "\n\n",
           TR_SWD_IMAGES_PUBLISHED);
    printf("%-10s", "level");
    for (int f = 0; f < TR_SWD_FORMS; f++)
        if (e->forms[f]) printf("%12s%10s", tr_swd_form_name((enum tr_swd_form)f), "floor");
    putchar('\n');
    for (int k = 0; k < e->result.level_count; k++) {
        char name[24];
        snprintf(name, sizeof name, "%dx%d", e->result.sides[k], e->result.sides[k]);
        print_row(e, name, k);
    }
    print_row(e, "mean", -1);
}

static json_t *form_json(const struct tr_swd_result *r, int form)
{
    json_t *levels = json_array();
    for (int k = 0; k < r->level_count; k++)
        json_array_append_new(levels, json_pack("{s:i,s:f,s:f}", "side", r->sides[k], "distance",
                                                r->distance[SET_FAKE - 1][form][k], "floor",
                                                r->distance[SET_FLOOR - 1][form][k]));
    return json_pack("{s:f,s:f,s:o}", "mean", r->mean[SET_FAKE - 1][form], "floor_mean",
                     r->mean[SET_FLOOR - 1][form], "levels", levels);
}

static nn_status write_json(const struct evaluation *e, struct nn_error *err)
{
    json_t *root =
        json_pack("{s:s,s:s,s:i,s:i,s:I,s:b}", "real", tr_image_source_text(e->real), "fake",
                  tr_image_source_text(e->fake), "images", e->request.images, "side", e->side, "seed",
                  (json_int_t)e->seed, "as_many_as_published", e->request.images == TR_SWD_IMAGES_PUBLISHED);
    for (int f = 0; f < TR_SWD_FORMS; f++)
        if (root && e->forms[f])
            json_object_set_new(root, tr_swd_form_name((enum tr_swd_form)f), form_json(&e->result, f));
    return tr_text_file_json(e->json_path, root, 8, err);
}

int tr_evaluate_swd(int argc, char **argv)
{
    struct evaluation e = {.forms = {true, true}, .seed = 1};
    struct nn_error err;
    int exit_status;
    if (parse(&e, argc, argv, &exit_status)) return exit_status;
    tr_interrupt_catch();
    /* As write_json begins. */
    nn_status status = e.json_path
                           ? tr_check_overwrite(e.json_path, "{\n \"real\":", "result of this command", &err)
                           : NN_OK;
    if (status == NN_OK) status = measure(&e, &err);
    if (status == NN_OK && e.json_path) status = write_json(&e, &err);
    if (status == NN_OK) print_table(&e);
    tr_image_source_close(e.fake);
    tr_image_source_close(e.real);
    return tr_command_end(argv[0], NULL, status, &err);
}
