/* `roentgym evaluate neighbours`: the nearest training images of samples, and whether a sample is a copy. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "trainer/data/csv_cell.h"
#include "trainer/interrupt.h"
#include "trainer/neighbours/distance_table.h"
#include "trainer/neighbours/feature_study.h"
#include "trainer/neighbours/nearness.h"
#include "trainer/neighbours/neighbour_sheet.h"
#include "trainer/parts/number_json.h"
#include "trainer/parts/part_warnings.h"
#include "trainer/parts/parts.h"
#include "trainer/text_file.h"

static const char usage[] =
    "usage: roentgym evaluate neighbours --data DIR --model FILE --out DIR [options]\n"
    "\n"
    "The nearest training images of samples by L1 distance in every convolution layer of a network, beside "
    "those "
    "of\n"
    "held-out real images; which samples are copies of a training image, also mirrored ones; and a two-sided "
    "test\n"
    "of whether samples are nearer to training images than held-out images are. Writes "
    "into "
    "the\n"
    "folder --out:\n"
    "  neighbours.png           some samples, and the nearest training image in each layer\n"
    "  neighbours-nearest.png   the samples that are nearest to a training image; copies are framed\n"
    "  neighbours-held-out.png  the same of held-out images, for comparison\n"
    "  neighbours.csv           every image with its neighbours\n"
    "  neighbours.json          settings and figures\n"
    "Ctrl-C stops; the same command goes on, and does not do again what is there. On two cores VGG16 takes "
    "about "
    "five\n"
    "minutes with the usual numbers, and its training ten; the line of progress says how long it is.\n"
    "\n"
    "  --data DIR           data set\n"
    "  --model FILE         checkpoint that draws the samples\n"
    "  --samples N          2..4096; default 64\n"
    "  --training N         training images to compare with, 2..65536; default 512, at most as many as there "
    "are\n"
    "  --held-out N         test images, 2..4096; default 64, at most as many as there are\n"
    "  --memory-gib N       bound on feature maps held at once, 1..1024; default 4\n"
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

enum { SAMPLES, TRAINING, HELD_OUT, MEMORY, SHEET_ROWS = 8 };

struct neighbours {
    struct tr_feature_study study;
    struct tr_cases queries, trainings; /* queries: samples, then held-out images */
    int samples, held_out;
    float *value;
    struct tr_nearness nearness;
};

/* ---- work --------------------------------------------------------------------------------------------- */

static nn_status take_first(const struct tr_cases *cases, uint64_t wanted, struct tr_cases *some,
                            struct nn_error *err)
{
    int count = wanted < (uint64_t)cases->count ? (int)wanted : cases->count;
    return tr_cases_select(some, cases, NULL, count, err);
}

static nn_status gather(struct neighbours *n, struct nn_error *err)
{
    const struct tr_study_number *own = n->study.own;
    struct tr_cases held_out = {0};
    uint64_t first_seed = (2 * n->study.seed) << 20;
    nn_status status = take_first(&n->study.train, own[TRAINING].value, &n->trainings, err);
    if (status == NN_OK) status = take_first(&n->study.test, own[HELD_OUT].value, &held_out, err);
    n->samples = (int)own[SAMPLES].value;
    n->held_out = held_out.count;
    if (status == NN_OK)
        status = tr_feature_study_draw(&n->study, &n->study.train, n->samples, first_seed, &n->queries, err);
    if (status == NN_OK) status = tr_cases_join(&n->queries, &held_out, err);
    tr_cases_release(&held_out);
    return status;
}

static struct tr_nearness_input input_of(const struct neighbours *n)
{
    return (struct tr_nearness_input){.value = n->value,
                                      .layers = n->study.network.layer_count,
                                      .queries = n->queries.count,
                                      .held_out = n->held_out,
                                      .trainings = n->trainings.count,
                                      .query_patient = n->queries.patient,
                                      .training_patient = n->trainings.patient};
}

/* ---- results ------------------------------------------------------------------------------------------ */

static nn_status write_sheet(const struct neighbours *n, const char *name, const char *title, const int *rows,
                             int count, struct nn_error *err)
{
    char path[PATH_MAX];
    const struct tr_neighbour_sheet sheet = {title,        &n->queries, &n->trainings, &n->study.network,
                                             &n->nearness, rows,        count};
    snprintf(path, sizeof path, "%s/%s", n->study.folder, name);
    return tr_neighbour_sheet_write(&sheet, path, err);
}

/* The `count` samples with the smallest distance over all layers, nearest first. */
static void find_nearest(const struct neighbours *n, int *rows, int count)
{
    for (int k = 0; k < count; k++) {
        int best = -1;
        for (int q = 0; q < n->samples; q++) {
            bool taken = false;
            for (int j = 0; j < k; j++) taken |= rows[j] == q;
            if (!taken && (best < 0 || n->nearness.copy[q].distance < n->nearness.copy[best].distance))
                best = q;
        }
        rows[k] = best;
    }
}

static nn_status write_sheets(const struct neighbours *n, struct nn_error *err)
{
    int rows[SHEET_ROWS], some = n->samples < SHEET_ROWS ? n->samples : SHEET_ROWS;
    int real = n->held_out < SHEET_ROWS ? n->held_out : SHEET_ROWS;
    for (int i = 0; i < some; i++) rows[i] = i;
    nn_status status = write_sheet(
        n, "neighbours.png", "samples, and their nearest training image in each layer", rows, some, err);
    find_nearest(n, rows, some);
    if (status == NN_OK)
        status = write_sheet(n, "neighbours-nearest.png",
                             "the samples nearest to a training image (copies are framed)", rows, some, err);
    for (int i = 0; i < real; i++) rows[i] = n->samples + i;
    if (status == NN_OK)
        status = write_sheet(n, "neighbours-held-out.png",
                             "held-out real images, and their nearest training image in each layer", rows,
                             real, err);
    return status;
}

static void put_name(FILE *to, const struct tr_cases *cases, int i)
{
    char name[300];
    tr_case_name(cases, i, name, sizeof name);
    tr_csv_write_cell(to, name);
}

static nn_status write_table(const struct neighbours *n, struct nn_error *err)
{
    char path[PATH_MAX], classes[1000];
    struct tr_text_file table;
    int layers = n->study.network.layer_count;
    snprintf(path, sizeof path, "%s/neighbours.csv", n->study.folder);
    nn_status status = tr_text_file_begin(&table, path, err);
    if (status != NN_OK) return status;
    FILE *to = table.to;
    fputs("set,image,classes,copy,nearest,mirrored,distance,ratio", to);
    for (int l = 0; l < layers; l++)
        fprintf(to, ",nearest %s,distance %s", n->study.network.layers[l].name,
                n->study.network.layers[l].name);
    putc('\n', to);
    for (int q = 0; q < n->queries.count; q++) {
        const struct tr_copy_score *c = &n->nearness.copy[q];
        tr_case_classes(&n->queries, q, classes, sizeof classes);
        fprintf(to, "%s,", q < n->samples ? "sample" : "held-out");
        put_name(to, &n->queries, q);
        putc(',', to);
        tr_csv_write_cell(to, classes);
        fprintf(to, ",%d,", c->flagged);
        put_name(to, &n->trainings, c->training);
        fprintf(to, ",%d,%.6g,%.6g", c->mirrored, c->distance, c->ratio);
        for (int l = 0; l < layers; l++) {
            const struct tr_nearest *near =
                &n->nearness.nearest[(size_t)l * (size_t)n->queries.count + (size_t)q];
            putc(',', to);
            put_name(to, &n->trainings, near->training);
            fprintf(to, ",%.6g", near->distance);
        }
        putc('\n', to);
    }
    return tr_text_file_end(&table, NN_OK, err);
}

static json_t *nearness_json(const struct tr_layer_nearness *l)
{
    double ratio = l->held_out_median > 0 ? l->samples_median / l->held_out_median : 0;
    return json_pack("{s:f,s:f,s:f,s:{s:f,s:o,s:o},s:o}", "samples_median", l->samples_median,
                     "held_out_median", l->held_out_median, "samples_over_held_out", ratio, "effect", "value",
                     l->effect, "low", tr_number_json(l->interval.low), "high",
                     tr_number_json(l->interval.high), "p", tr_number_json(l->interval.p));
}

static json_t *layers_json(const struct neighbours *n)
{
    json_t *layers = json_array();
    for (int l = 0; l < n->study.network.layer_count; l++) {
        json_t *layer = nearness_json(&n->nearness.layers[l]);
        if (layer) json_object_set_new(layer, "layer", json_string(n->study.network.layers[l].name));
        json_array_append_new(layers, layer);
    }
    return layers;
}

static json_t *copies_json(const struct neighbours *n)
{
    json_t *copies = json_array();
    for (int q = 0; q < n->samples; q++) {
        const struct tr_copy_score *c = &n->nearness.copy[q];
        if (!c->flagged) continue;
        char classes[1000];
        tr_case_classes(&n->queries, q, classes, sizeof classes);
        json_array_append_new(copies,
                              json_pack("{s:I,s:s,s:s,s:b,s:f,s:f}", "seed", (json_int_t)n->queries.seed[q],
                                        "classes", classes, "copy_of", n->trainings.file[c->training],
                                        "mirrored", c->mirrored, "distance", c->distance, "ratio", c->ratio));
    }
    return copies;
}

static nn_status write_results(const struct neighbours *n, struct nn_error *err)
{
    const struct tr_nearness *r = &n->nearness;
    const struct tr_part part = tr_feature_study_part(&n->study);
    nn_status status = write_sheets(n, err);
    if (status == NN_OK) status = write_table(n, err);
    if (status != NN_OK) return status;
    json_t *test =
        json_pack("{s:f,s:f,s:f,s:o,s:o,s:o}", "quantile", TR_COPY_QUANTILE, "ratio_below", r->threshold,
                  "chance", r->chance, "samples_flagged", tr_share_json(r->flagged_samples),
                  "held_out_flagged", tr_share_json(r->flagged_held_out), "samples", copies_json(n));
    return tr_part_write(&part,
                         json_pack("{s:o,s:i,s:i,s:i,s:o,s:o,s:o,s:o,s:[sss],s:s}", "network_auc",
                                   tr_number_json(n->study.network.auc), "samples", n->samples, "held_out",
                                   n->held_out, "training_images", n->trainings.count, "layers",
                                   layers_json(n), "all_layers", nearness_json(&r->all), "ratio_to_next",
                                   nearness_json(&r->ratios), "copies", test, "pictures", "neighbours.png",
                                   "neighbours-nearest.png", "neighbours-held-out.png", "table",
                                   "neighbours.csv"),
                         err);
}

static void print_row(const char *name, const struct tr_layer_nearness *x)
{
    printf("%-24s%12.4g%12.4g%8.3f%8.3f (%.3f to %.3f)%8.3f\n", name, x->samples_median, x->held_out_median,
           x->held_out_median > 0 ? x->samples_median / x->held_out_median : 0, x->effect, x->interval.low,
           x->interval.high, x->interval.p);
}

static void print_results(const struct neighbours *n)
{
    const struct tr_nearness *r = &n->nearness;
    printf("\n%-24s%12s%12s%8s%25s%8s\n", "layer", "samples", "held-out", "ratio", "effect (95 %)", "p");
    for (int l = 0; l < n->study.network.layer_count; l++)
        print_row(n->study.network.layers[l].name, &r->layers[l]);
    print_row("all", &r->all);
    print_row("all, over the next", &r->ratios);
    printf(
        "medians of the distance to the nearest of %d training images, and of its ratio to the next of "
        "another "
        "patient\neffect: how often a sample is nearer than a held-out image, 0.5 without a difference; "
        "intervals and p (two-sided,\n0.001 at least, for each line by itself) draw held-out patients\n"
        "copies: %d of %d samples (%.1f %%, %.1f to %.1f); of %d held-out images %d, by chance at most %.1f "
        "%%\n",
        n->trainings.count, r->flagged_samples.part, n->samples, 100 * r->flagged_samples.value,
        100 * r->flagged_samples.low, 100 * r->flagged_samples.high, n->held_out, r->flagged_held_out.part,
        100 * r->chance);
    const char *weak = tr_weak_network_warning(n->study.network.auc);
    if (weak) puts(weak);
}

static nn_status work(void *context, struct nn_error *err)
{
    struct neighbours *n = context;
    struct tr_float_journal journal = {.fd = -1};
    const struct tr_part part = tr_feature_study_part(&n->study);
    nn_status status = gather(n, err);
    if (status == NN_OK) status = tr_feature_study_network(&n->study, err);
    if (status == NN_OK) status = tr_float_journal_open(&journal, &part, err);
    if (status == NN_OK)
        status = tr_distance_table(&n->study.network, &n->queries, &n->trainings,
                                   (size_t)n->study.own[MEMORY].value << 30, &journal, &n->value, err);
    if (status == NN_OK) {
        const struct tr_nearness_input in = input_of(n);
        status = tr_nearness(&n->nearness, &in, err);
    }
    if (status == NN_OK) status = write_results(n, err);
    if (status == NN_OK) tr_float_journal_remove(&journal);
    tr_float_journal_close(&journal);
    if (status == NN_OK) print_results(n);
    return status;
}

int tr_evaluate_neighbours(int argc, char **argv)
{
    struct neighbours n = {.study = {.part = "neighbours",
                                     .usage = usage,
                                     .own = {[SAMPLES] = {"samples", 2, 4096, 64},
                                             [TRAINING] = {"training", 2, 65536, 512},
                                             [HELD_OUT] = {"held-out", 2, 4096, 64},
                                             [MEMORY] = {"memory-gib", 1, 1024, 4}},
                                     .own_count = 4}};
    int exit_status = tr_feature_study_run(&n.study, argc, argv, work, &n);
    tr_nearness_release(&n.nearness);
    free(n.value);
    tr_cases_release(&n.queries);
    tr_cases_release(&n.trainings);
    return exit_status;
}
