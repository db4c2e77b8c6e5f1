#include "trainer/experiments/cell_grid.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "trainer/interrupt.h"
#include "trainer/progress.h"

enum { MEASURED_STEPS = 4, SHOWN_EVERY_S = 30 };

/* Pixels that a training shows, below which it takes a minute or two: less than its states would cost. */
#define STATE_FROM_PIXELS 1e8

/* ---- how far it is ------------------------------------------------------------------------------ */

/* Work is counted in networks: each takes about as many steps (trainer/experiments/recipe.h). */
struct watch {
    int missing, number; /* networks to train, the one under way from 1 */
    char name[96];
    double worked, worked_s; /* by networks that are done, and the time it took */
    double started_s, began; /* of the one under way: after its first step, and how far it was then */
    double best;             /* validation AUC of the one under way; NAN: none yet */
    double shown_s;
    bool announced, line_open;
};

static void end_line(struct watch *w)
{
    if (w->line_open) putchar('\n');
    w->line_open = false;
}

static void show_line(struct watch *w, const struct tr_classify_progress *p, double left, double all_left)
{
    char one[32], all[32], best[32] = "";
    bool terminal = isatty(STDOUT_FILENO);
    double now = tr_now_s();
    if (now - w->shown_s < (terminal ? 0.5 : SHOWN_EVERY_S)) return;
    if (!isnan(w->best)) snprintf(best, sizeof best, ", best AUC %.3f", w->best);
    printf("%snetwork %d of %d, %s: epoch %d of %d, loss %.3f%s; %s left of it, %s of all%s",
           terminal ? "\r\033[K" : "", w->number, w->missing, w->name, p->epoch, p->epochs, p->loss, best,
           tr_duration_text(left, one), tr_duration_text(all_left, all), terminal ? "" : "\n");
    fflush(stdout);
    w->line_open = terminal;
    w->shown_s = now;
}

static bool watch_step(void *context, const struct tr_classify_progress *p)
{
    struct watch *w = context;
    char text[32];
    double now = tr_now_s(), share = (double)p->step / p->steps;
    if (p->epoch_done && p->best) w->best = p->auc;
    if (w->started_s == 0) { /* a first step prepares a lot, and training may go on from a state */
        w->started_s = w->shown_s = now;
        w->began = share;
        return !tr_interrupted();
    }
    double worked = w->worked + share - w->began, worked_s = w->worked_s + now - w->started_s;
    bool measured = (share - w->began) * p->steps >= MEASURED_STEPS || w->worked > 0 || p->step == p->steps;
    if (!measured || worked <= 0) return !tr_interrupted();
    double left = (1 - share) * worked_s / worked;
    double all_left = left + (w->missing - w->number) * worked_s / worked;
    if (!w->announced) {
        printf("at most %s to go\n", tr_duration_text(all_left, text));
        fflush(stdout);
        w->announced = true;
    }
    show_line(w, p, left, all_left);
    return !tr_interrupted();
}

/* ---- one network -------------------------------------------------------------------------------- */

static nn_status have_samples(struct tr_lab *lab, const struct tr_recipe *recipe, struct nn_error *err)
{
    nn_status status = NN_OK;
    for (int k = 0; k < TR_SAMPLE_SETS && status == NN_OK; k++)
        if (recipe->samples[k]) status = tr_lab_sample(lab, k, err);
    return status;
}

static bool go_on(void *context, int done, int total)
{
    (void)context;
    (void)done;
    (void)total;
    return !tr_interrupted();
}

static nn_status learn(struct tr_lab *lab, const struct tr_portion *portion,
                       const struct tr_classify_settings *settings, struct tr_cell *cell, struct watch *watch,
                       struct nn_error *err)
{
    char state[PATH_MAX];
    struct tr_trained trained = {0};
    const struct tr_cases *validation = portion->validation.count > 0 ? &portion->validation : NULL;
    int shown = portion->usual > portion->train.count ? portion->usual : portion->train.count;
    bool is_long = (double)settings->epochs * shown * lab->train.side * lab->train.side >= STATE_FROM_PIXELS;
    tr_cell_state_path(lab, cell, state, sizeof state);
    nn_status status = tr_classify_train(&trained, &portion->train, validation, settings, &lab->device,
                                         is_long ? state : NULL, watch_step, watch, err);
    if (status != NN_OK) return status;
    cell->scores = malloc((size_t)lab->test.count * sizeof *cell->scores);
    if (!cell->scores) status = nn_fail(err, NN_ERR_MEMORY, "out of memory for scores");
    if (status == NN_OK)
        status = tr_classify_score(&trained, &lab->test, &lab->device, cell->scores, go_on, NULL, err);
    cell->images = portion->train.count;
    cell->epochs = trained.epoch;
    cell->auc = trained.auc;
    tr_trained_release(&trained);
    if (status != NN_OK) tr_cell_release(cell);
    return status;
}

static void tell(struct watch *w, const struct tr_cell *cell, const struct tr_portion *portion)
{
    char text[32];
    end_line(w);
    printf("network %d of %d, %s: %d images, ", w->number, w->missing, w->name, cell->images);
    if (portion->validation.count > 0)
        printf("AUC %.4f on %d for validation, epoch %d", cell->auc, portion->validation.count, cell->epochs);
    else
        printf("too few for validation, epoch %d", cell->epochs);
    printf("; %s\n", tr_duration_text(cell->seconds, text));
    fflush(stdout);
}

static nn_status train_cell(struct tr_lab *lab, const struct tr_row *row, uint64_t seed, struct tr_cell *cell,
                            struct watch *watch, struct nn_error *err)
{
    struct tr_portion portion = {0};
    struct tr_classify_settings settings = lab->settings.classify;
    double from_s = tr_now_s();
    char state[PATH_MAX];
    nn_status status = have_samples(lab, &row->recipe, err);
    if (status == NN_OK)
        status =
            tr_recipe_portion(&row->recipe, &lab->train, lab->samples, settings.epochs, seed, &portion, err);
    if (status != NN_OK) return status;
    settings.seed = seed;
    settings.augment = row->recipe.augment;
    settings.epochs = portion.epochs;
    settings.steps_least = (portion.usual + settings.minibatch - 1) / settings.minibatch;
    watch->started_s = 0;
    watch->best = NAN;
    status = learn(lab, &portion, &settings, cell, watch, err);
    cell->seconds = tr_now_s() - from_s;
    if (status == NN_OK) status = tr_cell_write(lab, cell, watch->name, err);
    if (status == NN_OK) {
        tr_cell_state_path(lab, cell, state, sizeof state);
        unlink(state);
        watch->worked += 1 - watch->began;
        watch->worked_s += watch->started_s > 0 ? tr_now_s() - watch->started_s : 0;
        tell(watch, cell, &portion);
    }
    end_line(watch);
    tr_portion_release(&portion);
    return status;
}

/* ---- all ---------------------------------------------------------------------------------------- */

/* Takes what is there; *missing is how many are not. */
static nn_status look_up(struct tr_grid *grid, const struct tr_lab *lab, int *missing, struct nn_error *err)
{
    nn_status status = NN_OK;
    *missing = 0;
    for (int i = 0; i < grid->row_count * grid->seed_count && status == NN_OK; i++) {
        uint64_t seed = lab->settings.classify.seed + (uint64_t)(i % grid->seed_count);
        struct tr_cell *cell = &grid->cells[i];
        status = tr_cell_key(lab, &grid->rows[i / grid->seed_count].recipe, seed, cell->key, err);
        if (status == NN_OK) status = tr_cell_read(lab, cell, err);
        *missing += !cell->scores;
    }
    return status;
}

nn_status tr_grid_fill(struct tr_grid *grid, struct tr_lab *lab, const struct tr_row *rows, int row_count,
                       struct nn_error *err)
{
    struct watch watch = {0};
    int seeds = lab->settings.seeds;
    *grid = (struct tr_grid){.rows = rows, .row_count = row_count, .seed_count = seeds};
    grid->cells = calloc((size_t)(row_count * seeds), sizeof *grid->cells);
    if (!grid->cells) return nn_fail(err, NN_ERR_MEMORY, "out of memory for %d networks", row_count * seeds);
    nn_status status = look_up(grid, lab, &watch.missing, err);
    if (status == NN_OK) printf("%d networks, %d to train\n", row_count * seeds, watch.missing);
    fflush(stdout);
    for (int s = 0; s < seeds && status == NN_OK; s++)
        for (int r = 0; r < row_count && status == NN_OK; r++) {
            struct tr_cell *cell = &grid->cells[r * seeds + s];
            uint64_t seed = lab->settings.classify.seed + (uint64_t)s;
            if (cell->scores) continue;
            watch.number++;
            snprintf(watch.name, sizeof watch.name, "%s, seed %llu", rows[r].name, (unsigned long long)seed);
            status = train_cell(lab, &rows[r], seed, cell, &watch, err);
        }
    if (status != NN_OK) tr_grid_release(grid);
    return status;
}

void tr_grid_release(struct tr_grid *grid)
{
    for (int i = 0; grid->cells && i < grid->row_count * grid->seed_count; i++)
        tr_cell_release(&grid->cells[i]);
    free(grid->cells);
    grid->cells = NULL;
}
