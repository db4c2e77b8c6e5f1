#include "trainer/report/report_charts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/drawing/svg_chart.h"
#include "trainer/train/optimiser.h"

enum { BANDS_MAX = 64, WIDE = 720, HIGH = 250, SMALL_WIDE = 350, SMALL_HIGH = 190 };

/* One column of the log for a chart; heap memory. */
struct columns {
    double *x, *y[TR_CHART_SERIES_MAX];
    int count;
    struct tr_band bands[BANDS_MAX]; /* where which level was trained */
    int band_count;
};

static void release(struct columns *c)
{
    free(c->x);
    for (int s = 0; s < TR_CHART_SERIES_MAX; s++) free(c->y[s]);
}

/* The bands meet where the next level is first seen. */
static void find_bands(struct columns *c, const struct tr_run_log *log)
{
    for (int i = 0; i < log->count; i++) {
        bool another = i == 0 || log->entries[i].side != log->entries[i - 1].side;
        double from = i == 0 ? 0 : log->entries[i - 1].kimg;
        if (another && c->band_count < BANDS_MAX) {
            struct tr_band *b = &c->bands[c->band_count++];
            *b = (struct tr_band){.from = from};
            snprintf(b->name, sizeof b->name, "%d\xC2\xB2", log->entries[i].side);
        }
        c->bands[c->band_count - 1].to = log->entries[i].kimg;
    }
}

static nn_status allocate(struct columns *c, const struct tr_run_log *log, struct nn_error *err)
{
    *c = (struct columns){.count = log->count};
    size_t room = (size_t)log->count + 1;
    bool good = (c->x = malloc(room * sizeof *c->x)) != NULL;
    for (int s = 0; s < TR_CHART_SERIES_MAX; s++) good &= (c->y[s] = malloc(room * sizeof *c->x)) != NULL;
    if (!good) {
        release(c);
        return nn_fail(err, NN_ERR_MEMORY, "out of memory for a chart of %d points", log->count);
    }
    for (int i = 0; i < log->count; i++) c->x[i] = log->entries[i].kimg;
    find_bands(c, log);
    return NN_OK;
}

static void fill(struct columns *c, int series, const struct tr_run_log *log, size_t offset)
{
    for (int i = 0; i < log->count; i++)
        memcpy(&c->y[series][i], (const char *)&log->entries[i] + offset, sizeof(double));
}
#define FILL(c, series, log, field) fill(c, series, log, offsetof(struct tr_log_entry, field))

static bool any_finite(const double *values, int count)
{
    for (int i = 0; i < count; i++)
        if (isfinite(values[i])) return true;
    return false;
}

static bool any_above_zero(const double *values, int count)
{
    for (int i = 0; i < count; i++)
        if (values[i] > 0) return true;
    return false;
}

/* Puts the chart with the columns' first series; names and the rest are set already. */
static void put(FILE *page, struct tr_chart *chart, const struct columns *c)
{
    for (int s = 0; s < chart->series_count; s++) {
        chart->series[s].x = c->x;
        chart->series[s].y = c->y[s];
        chart->series[s].count = c->count;
    }
    chart->bands = c->bands;
    chart->band_count = c->band_count;
    chart->x_label = "kimg (thousand real images shown)";
    fprintf(page, "<figure class=\"chart\"><figcaption>%s</figcaption>\n", chart->title);
    tr_chart_put(page, chart);
    fputs("</figure>\n", page);
}

static void put_losses(FILE *page, struct columns *c, const struct tr_run_log *log)
{
    struct tr_chart scores = {.id = "scores",
                              .title = "The discriminator's scores",
                              .y_label = "mean score",
                              .width = WIDE,
                              .height = HIGH,
                              .series_count = 3};
    scores.series[0].name = "real images";
    scores.series[1].name = "generated images";
    scores.series[2] = (struct tr_series){.name = "real minus generated", .faint = true};
    FILL(c, 0, log, real);
    FILL(c, 1, log, fake);
    for (int i = 0; i < log->count; i++) c->y[2][i] = c->y[0][i] - c->y[1][i];
    put(page, &scores, c);
    struct tr_chart losses = {.id = "losses",
                              .title = "Losses, weighted as they enter the sum",
                              .y_label = "mean loss",
                              .width = WIDE,
                              .height = HIGH,
                              .series_count = 3};
    losses.series[0].name = "generator";
    losses.series[1].name = "gradient penalty";
    losses.series[2].name = "labels, in the discriminator";
    FILL(c, 0, log, generator);
    FILL(c, 1, log, penalty);
    FILL(c, 2, log, label);
    put(page, &losses, c);
}

static void put_step_size(FILE *page, struct columns *c, const struct tr_run_log *log,
                          const struct tr_train_config *config)
{
    struct tr_chart chart = {.id = "step-size",
                             .title = "Adam's step size",
                             .y_label = "learning rate",
                             .width = WIDE,
                             .height = 190,
                             .from_zero = true,
                             .series_count = 1};
    chart.series[0].name = "learning rate of the generator";
    for (int i = 0; i < log->count; i++) {
        /* Of the step before the tick: a level's end is still that level. */
        uint64_t images = (uint64_t)fmax(log->entries[i].kimg * 1000 - 1, 0);
        struct tr_phase phase = tr_schedule_at(&config->schedule, images);
        c->y[0][i] = (double)tr_generator_adam(config, &phase, images).lr;
    }
    put(page, &chart, c);
}

static void put_augmentation(FILE *page, struct columns *c, const struct tr_run_log *log)
{
    struct tr_chart chart = {.id = "augmentation",
                             .title = "Overfitting and augmentation",
                             .y_label = "share",
                             .width = WIDE,
                             .height = 190,
                             .from_zero = true,
                             .series_count = 2};
    chart.series[0].name = "probability of augmentation";
    chart.series[1].name = "sign of the discriminator's margin on real images, mean (1: it knows them all)";
    FILL(c, 0, log, augment_p);
    FILL(c, 1, log, real_sign);
    if (any_above_zero(c->y[0], c->count) || any_finite(c->y[1], c->count)) put(page, &chart, c);
}

static void put_speed(FILE *page, struct columns *c, const struct tr_run_log *log)
{
    struct tr_chart speed = {.id = "speed",
                             .title = "Throughput",
                             .y_label = "images a second",
                             .width = WIDE,
                             .height = 190,
                             .log_y = true,
                             .series_count = 1};
    speed.series[0].name = "real images a second, measuring and writing left out";
    FILL(c, 0, log, images_per_s);
    put(page, &speed, c);
    struct tr_chart skipped = {.id = "skipped",
                               .title = "Updates left out because a gradient was not finite",
                               .y_label = "since the start",
                               .width = WIDE,
                               .height = 190,
                               .from_zero = true,
                               .series_count = 1};
    skipped.series[0].name = "network updates left out";
    FILL(c, 0, log, skipped);
    if (any_above_zero(c->y[0], c->count)) put(page, &skipped, c);
}

nn_status tr_report_put_curves(FILE *page, const struct tr_run_log *log, const struct tr_train_config *config,
                               struct nn_error *err)
{
    struct columns c;
    nn_status status = allocate(&c, log, err);
    if (status != NN_OK) return status;
    put_losses(page, &c, log);
    if (config) put_step_size(page, &c, log, config);
    put_augmentation(page, &c, log);
    put_speed(page, &c, log);
    release(&c);
    return NN_OK;
}

/* ---- the distance ------------------------------------------------------------------------------- */

/* Only the ticks that measured, so that lines join them. `side` 0: the mean over the levels. */
static bool gather(struct columns *c, const struct tr_run_log *log, int side)
{
    c->count = 0;
    for (int i = 0; i < log->count; i++) {
        const struct tr_log_entry *e = &log->entries[i];
        int level = 0;
        while (side && level < e->swd_levels && e->swd_sides[level] != side) level++;
        if (level >= e->swd_levels) continue;
        c->x[c->count] = e->kimg;
        c->y[0][c->count] = side ? e->swd[level] : e->swd_mean;
        c->y[1][c->count] = side ? e->swd_floor[level] : e->swd_floor_mean;
        c->count++;
    }
    return c->count > 0;
}

static void put_distance(FILE *page, struct columns *c, int side)
{
    char id[24] = "swd", title[80] = "Mean over the levels";
    if (side) snprintf(id, sizeof id, "swd-%d", side);
    if (side) snprintf(title, sizeof title, "Level %d\xC3\x97%d", side, side);
    struct tr_chart chart = {
        .id = id, .title = title, .y_label = "SWD \xC3\x97 1000", .log_y = true, .series_count = 2};
    chart.width = side ? SMALL_WIDE : WIDE;
    chart.height = side ? SMALL_HIGH : HIGH;
    chart.series[0].name = "generated from real";
    chart.series[1] = (struct tr_series){.name = "floor: real from real", .faint = true};
    put(page, &chart, c);
}

nn_status tr_report_put_swd(FILE *page, const struct tr_run_log *log, struct nn_error *err)
{
    struct columns c;
    nn_status status = allocate(&c, log, err);
    if (status != NN_OK) return status;
    if (gather(&c, log, 0)) {
        put_distance(page, &c, 0);
        fputs("<div class=\"levels\">\n", page);
        for (int side = 1024; side >= TR_SWD_SIDE_MIN; side /= 2)
            if (gather(&c, log, side)) put_distance(page, &c, side);
        fputs("</div>\n", page);
    } else {
        fputs(
            "<p>It was not measured: see <code>--metric-kimg</code>; levels below 16 pixels have none.</p>\n",
            page);
    }
    release(&c);
    return NN_OK;
}
