/* `roentgym evaluate tsne`: real images and samples in the plane, by what a classifier sees in them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/data/csv_cell.h"
#include "trainer/interrupt.h"
#include "trainer/neighbours/feature_study.h"
#include "trainer/neighbours/float_journal.h"
#include "trainer/neighbours/principal.h"
#include "trainer/neighbours/tsne.h"
#include "trainer/neighbours/tsne_picture.h"
#include "trainer/parts/number_json.h"
#include "trainer/parts/part_warnings.h"
#include "trainer/parts/parts.h"
#include "trainer/progress.h"
#include "trainer/text_file.h"

static const char usage[] =
    "usage: roentgym evaluate tsne --data DIR --model FILE --out DIR [options]\n"
    "\n"
    "Real images and samples, as many with the finding as without, in the plane by t-SNE (van der Maaten "
    "and\n"
    "Hinton 2008, exact) of what the last layer of a network is given, reduced to 50 principal components. "
    "Real images\n"
    "are held-out ones as far as they go, then training images. Writes into the folder --out:\n"
    "  tsne.png   thumbnails in frames whose colour tells class and set, with a legend\n"
    "  tsne.svg   the same with marks instead       tsne.csv, tsne.json   places; settings and figures\n"
    "Ctrl-C stops; the same command goes on, and does not do again what is there.\n"
    "\n"
    "  --data DIR           data set\n"
    "  --model FILE         checkpoint that draws the samples\n"
    "  --images N           of each class and each set, 3..1024; default 256, or as many as there are\n"
    "  --perplexity N       2..500; default 30, less of few images\n"
    "  --steps N            250..10000; default 1000\n"
    "  --weights FILE       the network's, safetensors in torchvision's names; without it the network is "
    "trained on the\n"
    "                       training images first, and kept in the folder\n"
    "  --architecture NAME  vgg16 (default), resnet18 or inception_v3\n"
    "  --side N             of the images as the network sees them; default vgg16 224, resnet18 at most 128\n"
    "  --epochs N           of its training at most; default 5\n"
    "  --network-images N   that it is trained with, 0: all; default 512\n"
    "  --finding NAME       the class that counts, where there are more than two\n"
    "  --seed N             of everything; default 1\n"
    "  --device NAME        auto (default), cpu or cuda\n"
    "  --help\n";

enum { IMAGES, PERPLEXITY, STEPS, COMPONENTS = 50, TRUST_NEIGHBOURS = 5, JOURNALED = TR_FEATURE_BATCH };
enum { EACH_LEAST = 3 }; /* of 4 kinds: what trustworthiness of so many neighbours takes */
_Static_assert(4 * EACH_LEAST > 2 * TRUST_NEIGHBOURS + 1, "trainer/neighbours/tsne.h");

struct tsne {
    struct tr_feature_study study;
    struct tr_cases real, all; /* all: the real ones, then the samples */
    int each, held_out;        /* of each class and set; of the real ones */
    float *features;
    double *points, *components, *places, trust;
    int *kind;
    int component_count;
    double perplexity;
};

/* ---- images ------------------------------------------------------------------------------------------- */

/* The first of a kind, at most `each`, into indices; returns how many. */
static int pick(const struct tr_cases *pool, bool finding, int each, int *indices)
{
    int count = 0;
    for (int i = 0; i < pool->count && count < each; i++)
        if (pool->truth[i] == finding) indices[count++] = i;
    return count;
}

static nn_status choose_real(struct tsne *t, struct nn_error *err)
{
    const struct tr_cases *test = &t->study.test;
    struct tr_cases pool = {0};
    int wanted = (int)t->study.own[IMAGES].value;
    int *indices = malloc(2 * (size_t)wanted * sizeof *indices);
    if (!indices) return nn_fail(err, NN_ERR_MEMORY, "out of memory for the choice of images");
    nn_status status = tr_cases_select(&pool, test, NULL, test->count, err);
    if (status == NN_OK) status = tr_cases_join(&pool, &t->study.train, err);
    if (status != NN_OK) goto out;
    int with = pick(&pool, true, wanted, indices), without = pick(&pool, false, wanted, indices);
    t->each = with < without ? with : without;
    if (t->each < EACH_LEAST) {
        status =
            nn_fail(err, NN_ERR_ARGUMENT, "%s: has %d images with %s and %d without, fewer than %d of a kind",
                    pool.source, with, pool.finding, without, EACH_LEAST);
        goto out;
    }
    pick(&pool, false, t->each, indices);
    pick(&pool, true, t->each, indices + t->each);
    for (int i = 0; i < 2 * t->each; i++) t->held_out += indices[i] < test->count;
    status = tr_cases_select(&t->real, &pool, indices, 2 * t->each, err);
out:
    free(indices);
    tr_cases_release(&pool);
    return status;
}

static nn_status gather(struct tsne *t, struct nn_error *err)
{
    struct tr_cases samples = {0};
    uint64_t first_seed = (2 * t->study.seed + 1) << 20;
    nn_status status = choose_real(t, err);
    int count = t->real.count;
    if (status == NN_OK) {
        t->perplexity = (double)t->study.own[PERPLEXITY].value;
        if (t->perplexity > (2 * count - 1) / 3.01) t->perplexity = (2 * count - 1) / 3.01;
        status = tr_cases_select(&t->all, &t->real, NULL, count, err);
    }
    if (status == NN_OK)
        status = tr_feature_study_draw(&t->study, &t->real, count, first_seed, &samples, err);
    if (status == NN_OK) status = tr_cases_join(&t->all, &samples, err);
    tr_cases_release(&samples);
    return status;
}

/* ---- places ------------------------------------------------------------------------------------------- */

static nn_status find_features(struct tsne *t, struct tr_float_journal *journal, struct nn_error *err)
{
    struct tr_progress progress;
    nn_status status = NN_OK;
    int count = t->all.count;
    tr_progress_start(&progress, "images through the network");
    for (int first = 0; first < count && status == NN_OK; first += JOURNALED) {
        int some = count - first < JOURNALED ? count - first : JOURNALED;
        size_t width = (size_t)t->study.network.width, size = (size_t)some * width;
        float *to = t->features + (size_t)first * width;
        if (tr_float_journal_read(journal, to, size)) continue;
        if (tr_interrupted()) return nn_fail(err, NN_STOPPED, "stopped");
        if (progress.first < 0) progress.first = first;
        status = tr_feature_last(&t->study.network, &t->all, first, some, to, err);
        if (status == NN_OK) status = tr_float_journal_write(journal, to, size, err);
        tr_progress_show(&progress, first + some, count);
    }
    return status;
}

static bool show(void *context, int step, int steps)
{
    tr_progress_show(context, step, steps);
    return !tr_interrupted();
}

static nn_status place(struct tsne *t, struct nn_error *err)
{
    struct tr_progress progress;
    int count = t->all.count, width = t->study.network.width;
    const struct tr_tsne_settings settings = {t->perplexity, (int)t->study.own[STEPS].value};
    nn_status status =
        tr_principal(t->features, count, width, t->component_count, t->study.seed, t->components, err);
    tr_progress_start(&progress, "steps of t-SNE");
    if (status == NN_OK)
        status =
            tr_tsne(t->components, count, t->component_count, &settings, t->places, show, &progress, err);
    if (status != NN_OK) return status;
    for (size_t i = 0; i < (size_t)count * (size_t)width; i++) t->points[i] = (double)t->features[i];
    return tr_trustworthiness(t->points, count, width, t->places, TRUST_NEIGHBOURS, &t->trust, err);
}

/* ---- results ------------------------------------------------------------------------------------------ */

/* "fracture", and what it is without: the other of two classes, or "no fracture". */
static void name_kinds(const struct tsne *t, char names[TR_TSNE_KINDS][80])
{
    const struct tr_cases *c = &t->all;
    char without[NN_CLASS_NAME_MAX + 4];
    snprintf(without, sizeof without, "no %s", c->finding);
    if (!c->multi_label && c->class_count == 2)
        snprintf(without, sizeof without, "%s", c->classes[strcmp(c->classes[0], c->finding) == 0]);
    for (int k = 0; k < TR_TSNE_KINDS; k++)
        snprintf(names[k], sizeof names[k], "%s, %s", k % 2 ? c->finding : without,
                 k < 2 ? "real" : "sample");
}

static nn_status write_table(const struct tsne *t, const char *path, struct nn_error *err)
{
    struct tr_text_file table;
    nn_status status = tr_text_file_begin(&table, path, err);
    if (status != NN_OK) return status;
    FILE *to = table.to;
    fputs("set,finding,image,x,y\n", to);
    for (int i = 0; i < t->all.count; i++) {
        char name[300];
        tr_case_name(&t->all, i, name, sizeof name);
        fprintf(to, "%s,%d,", t->kind[i] < 2 ? "real" : "sample", t->all.truth[i]);
        tr_csv_write_cell(to, name);
        fprintf(to, ",%.6g,%.6g\n", t->places[2 * i], t->places[2 * i + 1]);
    }
    return tr_text_file_end(&table, NN_OK, err);
}

static nn_status write_results(struct tsne *t, struct nn_error *err)
{
    char path[PATH_MAX], names[TR_TSNE_KINDS][80];
    const char *folder = t->study.folder;
    name_kinds(t, names);
    struct tr_tsne_points points = {.cases = &t->all, .places = t->places, .kind = t->kind};
    for (int k = 0; k < TR_TSNE_KINDS; k++) points.kinds[k] = names[k];
    snprintf(path, sizeof path, "%s/tsne.png", folder);
    nn_status status = tr_tsne_draw_png(&points, path, err);
    snprintf(path, sizeof path, "%s/tsne.svg", folder);
    if (status == NN_OK) status = tr_tsne_draw_svg(&points, path, err);
    snprintf(path, sizeof path, "%s/tsne.csv", folder);
    if (status == NN_OK) status = write_table(t, path, err);
    if (status != NN_OK) return status;
    const struct tr_part part = tr_feature_study_part(&t->study);
    return tr_part_write(&part,
                         json_pack("{s:o,s:i,s:i,s:i,s:i,s:f,s:f,s:i,s:[ssss],s:s,s:s,s:s}", "network_auc",
                                   tr_number_json(t->study.network.auc), "images_of_each", t->each, "points",
                                   t->all.count, "held_out_real_images", t->held_out, "components",
                                   t->component_count, "perplexity", t->perplexity, "trustworthiness",
                                   t->trust, "trustworthiness_neighbours", TRUST_NEIGHBOURS, "kinds",
                                   names[0], names[1], names[2], names[3], "picture", "tsne.png", "marks",
                                   "tsne.svg", "table", "tsne.csv"),
                         err);
}

static nn_status allocate(struct tsne *t, struct nn_error *err)
{
    size_t count = (size_t)t->all.count, width = (size_t)t->study.network.width;
    int most = t->study.network.width < t->all.count - 1 ? t->study.network.width : t->all.count - 1;
    t->component_count = COMPONENTS < most ? COMPONENTS : most;
    t->features = malloc(count * width * sizeof *t->features);
    t->points = malloc(count * width * sizeof *t->points);
    t->components = malloc(count * (size_t)t->component_count * sizeof *t->components);
    t->places = malloc(2 * count * sizeof *t->places);
    t->kind = malloc(count * sizeof *t->kind);
    if (!t->features || !t->points || !t->components || !t->places || !t->kind)
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for the features of %d images", t->all.count);
    for (int i = 0; i < t->all.count; i++) t->kind[i] = 2 * (i >= t->real.count) + (t->all.truth[i] != 0);
    return NN_OK;
}

static nn_status work(void *context, struct nn_error *err)
{
    struct tsne *t = context;
    struct tr_float_journal journal = {.fd = -1};
    const struct tr_part part = tr_feature_study_part(&t->study);
    nn_status status = gather(t, err);
    if (status == NN_OK) status = tr_feature_study_network(&t->study, err);
    if (status == NN_OK) status = allocate(t, err);
    if (status == NN_OK) status = tr_float_journal_open(&journal, &part, err);
    if (status == NN_OK) status = find_features(t, &journal, err);
    if (status == NN_OK) status = place(t, err);
    if (status == NN_OK) status = write_results(t, err);
    if (status == NN_OK) tr_float_journal_remove(&journal);
    tr_float_journal_close(&journal);
    if (status == NN_OK)
        printf("%d images of each of two classes and two sets; trustworthiness %.3f: %s/tsne.png\n", t->each,
               t->trust, t->study.folder);
    const char *weak = status == NN_OK ? tr_weak_network_warning(t->study.network.auc) : NULL;
    if (weak) puts(weak);
    return status;
}

int tr_evaluate_tsne(int argc, char **argv)
{
    struct tsne t = {.study = {.part = "tsne",
                               .usage = usage,
                               .own = {[IMAGES] = {"images", EACH_LEAST, 1024, 256},
                                       [PERPLEXITY] = {"perplexity", 2, 500, 30},
                                       [STEPS] = {"steps", 250, 10000, 1000}},
                               .own_count = 3}};
    int exit_status = tr_feature_study_run(&t.study, argc, argv, work, &t);
    free(t.features);
    free(t.points);
    free(t.components);
    free(t.places);
    free(t.kind);
    tr_cases_release(&t.real);
    tr_cases_release(&t.all);
    return exit_status;
}
