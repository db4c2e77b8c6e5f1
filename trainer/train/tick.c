#include "trainer/train/tick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sampler.h"
#include "trainer/drawing/contact_sheet.h"

enum { SHEET_COLUMNS = 8, SHEET_SEED = 1 };

static double kimg_of(const struct tr_tick *tick)
{
    return (double)tick->training->images / 1000;
}

static double steps_of(const struct tr_tick *tick)
{
    return tick->training->tick.steps > 0 ? tick->training->tick.steps : 1;
}

void tr_tick_print(const struct tr_tick *tick)
{
    const struct tr_training *tr = tick->training;
    const struct tr_losses *l = &tick->training->tick;
    struct tr_phase phase = tr_training_phase(tr);
    double n = steps_of(tick), phase_left_s = fmax(phase.end_kimg - kimg_of(tick), 0) * 1000;
    char augment[32] = "";
    phase_left_s /= tick->images_per_s;
    if (tr->config.augment.mode != TR_AUGMENT_NONE)
        snprintf(augment, sizeof augment, "augment %.3f  ", tr->augment.p);
    printf("%8.2f of %.0f kimg  %4dx%-4d %s  W %8.3f  penalty %6.3f  labels %5.3f  %s%6.1f images/s  "
           "this level %.0f min left",
           kimg_of(tick), tr_schedule_total_kimg(&tr->config.schedule), phase.side, phase.side,
           phase.fading ? "fading" : "stable", (l->real - l->fake) / n, l->penalty / n, l->label / n, augment,
           tick->images_per_s, phase_left_s / 60);
    if (tick->measure.images) printf("  SWD %.2f (floor %.2f)", tick->measure.mean, tick->measure.floor_mean);
    puts(tr->skipped ? "  (steps skipped)" : "");
    fflush(stdout);
}

/* Whether `count` images of `size` pixels are all the same. */
static bool all_alike(const uint8_t *images, int count, size_t size)
{
    for (int i = 1; i < count; i++)
        if (memcmp(images, images + (size_t)i * size, size) != 0) return false;
    return true;
}

/* The mean of a loss; JSON has no number for one that is not finite. */
static void put_loss(FILE *line, const char *name, double mean)
{
    if (isfinite(mean))
        fprintf(line, "\"%s\":%.6g,", name, mean);
    else
        fprintf(line, "\"%s\":null,", name);
}

static void put_list(FILE *line, const char *name, const double *values, int count)
{
    fprintf(line, "\"%s\":[", name);
    for (int k = 0; k < count; k++) fprintf(line, "%s%.5g", k ? "," : "", values[k]);
    fputs("],", line);
}

static void put_measure(FILE *line, const struct tr_measure *m)
{
    if (!m->images) return;
    fprintf(line, "\"swd\":{\"form\":\"%s\",\"images\":%d,\"sides\":[", tr_swd_form_name(TR_SWD_3X),
            m->images);
    for (int k = 0; k < m->level_count; k++) fprintf(line, "%s%d", k ? "," : "", m->sides[k]);
    fputs("],", line);
    put_list(line, "distance", m->distance, m->level_count);
    put_list(line, "floor", m->floor, m->level_count);
    fprintf(line, "\"mean\":%.5g,\"floor_mean\":%.5g,\"seconds\":%.1f},", m->mean, m->floor_mean, m->seconds);
}

nn_status tr_tick_write_metrics(const struct tr_tick *tick, struct nn_error *err)
{
    const struct tr_losses *l = &tick->training->tick;
    struct tr_phase phase = tr_training_phase(tick->training);
    double n = steps_of(tick);
    char *text = NULL;
    size_t size;
    FILE *line = open_memstream(&text, &size);
    if (!line) return nn_fail(err, NN_ERR_MEMORY, "out of memory for a line of metrics");
    fprintf(line, "{\"kimg\":%.3f,\"side\":%d,\"lod\":%.4f,", kimg_of(tick), phase.side, (double)phase.lod);
    put_loss(line, "real", l->real / n);
    put_loss(line, "fake", l->fake / n);
    put_loss(line, "penalty", l->penalty / n);
    put_loss(line, "label", l->label / n);
    put_loss(line, "generator", l->generator / n);
    put_loss(line, "real_sign", l->real_sign / n);
    put_loss(line, "augment_p", tick->training->augment.p);
    put_measure(line, &tick->measure);
    fprintf(line, "\"skipped\":%llu,\"images_per_s\":%.3f,\"elapsed_s\":%.1f}",
            (unsigned long long)tick->training->skipped, tick->images_per_s, tick->elapsed_s);
    bool whole = fclose(line) == 0;
    nn_status status = whole ? tr_run_append_metrics(tick->folder, text, err)
                             : nn_fail(err, NN_ERR_MEMORY, "out of memory for a line of metrics");
    free(text);
    return status;
}

nn_status tr_tick_write_sheet(struct tr_tick *tick, struct nn_error *err)
{
    struct tr_training *tr = tick->training;
    int classes = nn_sampler_class_count(&tr->config.gan), side = tr_training_phase(tr).side;
    size_t row = (size_t)SHEET_COLUMNS * (size_t)side * (size_t)side, count = row * (size_t)classes;
    char name[64], path[PATH_MAX];
    float *images = malloc(count * sizeof *images);
    uint8_t *grey = malloc(count);
    nn_status status = images && grey ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for a sheet");
    for (int k = 0; k < classes && status == NN_OK; k++) {
        float labels[NN_LABELS_MAX];
        nn_sampler_labels(&tr->config.gan, k, 1, labels);
        status = tr_training_sample(tr, SHEET_SEED, SHEET_COLUMNS, labels, images + (size_t)k * row, err);
    }
    if (status == NN_OK) {
        nn_sampler_grey(images, count, grey);
        for (int k = 0; k < classes; k++)
            tick->alike |= all_alike(grey + (size_t)k * row, SHEET_COLUMNS, row / SHEET_COLUMNS);
        snprintf(name, sizeof name, "sheet-%09.3f.png", kimg_of(tick));
        tr_run_path(tick->folder, name, path);
        status = tr_contact_sheet_write(path, grey, classes * SHEET_COLUMNS, SHEET_COLUMNS, side, err);
    }
    free(images);
    free(grey);
    return status;
}
