#include "trainer/train/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct preset {
    const char *name;
    struct tr_level levels[NN_RESOLUTION_LOG2_MAX - 1]; /* sides 4, 8, ... 1024 */
};

/* "paper" and "v2" hold the official code's constants for one GPU, v1-1gpu and v2-1gpu; at 1024 they end
 * after 19,000 and 12,000 kimg. "cpu-small" was chosen for a narrow network (fmap_base 2048, fmap_max 128)
 * and an evening on two cores, "gpu-short" for fmap_base 4096, fmap_max 256: by its arithmetic, 29 PFLOP
 * at 1024, which are 20 minutes at 24 TFLOP/s. */
static const struct preset presets[] = {
    {"paper",
     {{0, 800, 16, 0.001f},
      {800, 800, 16, 0.001f},
      {800, 800, 16, 0.001f},
      {800, 800, 16, 0.001f},
      {800, 800, 16, 0.001f},
      {800, 800, 16, 0.001f},
      {800, 800, 14, 0.001f},
      {800, 800, 6, 0.001f},
      {800, 6200, 3, 0.001f}}},
    {"v2",
     {{0, 600, 128, 0.001f},
      {600, 600, 128, 0.001f},
      {600, 600, 128, 0.001f},
      {600, 600, 64, 0.001f},
      {600, 600, 32, 0.001f},
      {600, 600, 16, 0.001f},
      {600, 600, 8, 0.001f},
      {600, 600, 4, 0.001f},
      {600, 2400, 4, 0.0015f}}},
    {"cpu-small",
     {{0, 4, 16, 0.002f},
      {2, 6, 16, 0.002f},
      {3, 8, 16, 0.002f},
      {4, 16, 16, 0.002f},
      {8, 24, 16, 0.002f},
      {6, 18, 8, 0.002f},
      {3, 8, 8, 0.003f},
      {2, 4, 4, 0.003f},
      {1, 2, 4, 0.002f}}},
    {"gpu-short",
     {{0, 20, 64, 0.002f},
      {10, 20, 64, 0.002f},
      {15, 30, 64, 0.002f},
      {20, 40, 64, 0.002f},
      {20, 50, 32, 0.002f},
      {15, 40, 32, 0.002f},
      {10, 24, 16, 0.002f},
      {6, 14, 16, 0.002f},
      {4, 10, 8, 0.002f}}},
};

nn_status tr_schedule_preset(struct tr_schedule *s, const char *name, int resolution_log2,
                             struct nn_error *err)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(presets[i].name, name) != 0) continue;
        if (resolution_log2 < 2 || resolution_log2 > NN_RESOLUTION_LOG2_MAX)
            return nn_fail(err, NN_ERR_ARGUMENT, "preset '%s' has no resolution 2^%d", name, resolution_log2);
        s->level_count = resolution_log2 - 1;
        memcpy(s->levels, presets[i].levels, sizeof s->levels);
        return NN_OK;
    }
    return nn_fail(err, NN_ERR_ARGUMENT, "no preset '%s': there are paper, v2, cpu-small and gpu-short",
                   name);
}

static int level_of_side(const struct tr_schedule *s, long side)
{
    for (int k = 0; k < s->level_count; k++)
        if (side == 4 << k) return k;
    return -1;
}

nn_status tr_schedule_parse(struct tr_schedule *s, const char *text, struct nn_error *err)
{
    struct tr_schedule parsed = *s; /* so that a bad text changes nothing */
    for (const char *at = text; *at;) {
        long side;
        int length = 0;
        double fade, train;
        if (sscanf(at, "%ld:%lf/%lf%n", &side, &fade, &train, &length) != 3 ||
            (at[length] != ',' && at[length] != '\0'))
            return nn_fail(err, NN_ERR_ARGUMENT, "levels: '%s' is not side:fade/train,... in kimg", at);
        int level = level_of_side(s, side);
        if (level < 0)
            return nn_fail(err, NN_ERR_ARGUMENT, "levels: side %ld is not one of 4..%d", side,
                           4 << (s->level_count - 1));
        if (!(fade >= 0 && train >= 0 && fade <= 1e6 && train <= 1e6) || (level == 0 && fade > 0))
            return nn_fail(err, NN_ERR_ARGUMENT, "levels: %ld:%g/%g: kimg must be 0..1e6, and 4 has no fade",
                           side, fade, train);
        parsed.levels[level].fade_kimg = fade;
        parsed.levels[level].train_kimg = train;
        at += length + (at[length] == ',');
    }
    *s = parsed;
    return NN_OK;
}

/* One number for each level, as a text changes them. */
struct level_values {
    const char *what; /* stands for the option in error texts */
    double low, high;
    double at[NN_RESOLUTION_LOG2_MAX - 1];
};

static nn_status set_values(struct level_values *v, int first, int last, double value, struct nn_error *err)
{
    if (!(value >= v->low && value <= v->high))
        return nn_fail(err, NN_ERR_ARGUMENT, "%s: %g is not in %g..%g", v->what, value, v->low, v->high);
    for (int k = first; k <= last; k++) v->at[k] = value;
    return NN_OK;
}

/* "VALUE" for every level, or "side:VALUE,..." for those named. */
static nn_status parse_values(const struct tr_schedule *s, const char *text, struct level_values *v,
                              struct nn_error *err)
{
    char *end;
    double value = strtod(text, &end);
    if (end != text && !*end) return set_values(v, 0, s->level_count - 1, value, err);
    const char *at = text;
    do {
        long side;
        int length;
        if (sscanf(at, "%ld:%lf%n", &side, &value, &length) != 2 || (at[length] && at[length] != ','))
            return nn_fail(err, NN_ERR_ARGUMENT, "%s: '%s' is neither a number nor side:number,...", v->what,
                           at);
        int level = level_of_side(s, side);
        if (level < 0)
            return nn_fail(err, NN_ERR_ARGUMENT, "%s: side %ld is not one of 4..%d", v->what, side,
                           4 << (s->level_count - 1));
        nn_status status = set_values(v, level, level, value, err);
        if (status != NN_OK) return status;
        at += length;
    } while (*at++ == ',');
    return NN_OK;
}

nn_status tr_schedule_parse_minibatch(struct tr_schedule *s, const char *text, struct nn_error *err)
{
    struct level_values v = {.what = "minibatch", .low = 1, .high = TR_MINIBATCH_MAX};
    for (int k = 0; k < s->level_count; k++) v.at[k] = s->levels[k].minibatch;
    nn_status status = parse_values(s, text, &v, err);
    for (int k = 0; k < s->level_count && status == NN_OK; k++)
        if (v.at[k] != (int)v.at[k])
            status = nn_fail(err, NN_ERR_ARGUMENT, "minibatch: %g is not a whole number", v.at[k]);
    for (int k = 0; k < s->level_count && status == NN_OK; k++) s->levels[k].minibatch = (int)v.at[k];
    return status;
}

nn_status tr_schedule_parse_lr(struct tr_schedule *s, const char *text, struct nn_error *err)
{
    struct level_values v = {.what = "lr", .low = 1e-8, .high = 1};
    for (int k = 0; k < s->level_count; k++) v.at[k] = (double)s->levels[k].lr;
    nn_status status = parse_values(s, text, &v, err);
    for (int k = 0; k < s->level_count && status == NN_OK; k++) s->levels[k].lr = (float)v.at[k];
    return status;
}

struct tr_phase tr_schedule_at(const struct tr_schedule *s, uint64_t images)
{
    double kimg = (double)images / 1000, begin = 0;
    int last = s->level_count - 1;
    for (int k = 0; k <= last; k++) {
        const struct tr_level *level = &s->levels[k];
        double fade_end = begin + level->fade_kimg, end = fade_end + level->train_kimg;
        struct tr_phase phase = {.level = k, .side = 4 << k, .lod = (float)(last - k)};
        if (kimg < fade_end) {
            phase.lod += (float)(1 - (kimg - begin) / level->fade_kimg);
            /* At the very start the new level has no share; floor(lod) must already be its own. */
            if (phase.lod >= (float)(last - k + 1)) phase.lod = (float)(last - k) + 0.9999f;
            phase.fading = true;
            phase.end_kimg = fade_end;
            return phase;
        }
        phase.end_kimg = end;
        if (kimg < end) return phase;
        if (k == last) {
            phase.finished = true;
            return phase;
        }
        begin = end;
    }
    return (struct tr_phase){.finished = true};
}

double tr_schedule_total_kimg(const struct tr_schedule *s)
{
    double total = 0;
    for (int k = 0; k < s->level_count; k++) total += s->levels[k].fade_kimg + s->levels[k].train_kimg;
    return total;
}
