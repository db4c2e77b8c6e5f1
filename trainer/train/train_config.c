#include "trainer/train/train_config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "trainer/train/train_settings.h"

/* Beside a schedule of the same name. Short runs need an average of shorter memory, the penalty on native
 * gradients (loss.h), augmentation that adapts before they are over, and levels that begin where the ones
 * below have got to (new_head.h): in 128 steps of a fade a head that was only drawn does not find the range.
 */
static const struct preset {
    const char *name;
    int fmap_base, fmap_max, mbstd_group;
    float ema_decay;
    bool is_short;
    double tick_kimg;
} presets[] = {
    {"paper", 8192, 512, 16, 0.999f, false, 40},
    {"v2", 8192, 512, 4, 0.999f, false, 40},
    {"cpu-small", 2048, 128, 4, 0.995f, true, 2},
    {"gpu-short", 4096, 256, 4, 0.998f, true, 10},
};

nn_status tr_train_config_init(struct tr_train_config *c, const char *preset, int resolution_log2,
                               struct nn_error *err)
{
    const struct preset *p = presets, *end = presets + sizeof presets / sizeof *presets;
    *c = (struct tr_train_config){.gan.resolution_log2 = resolution_log2,
                                  .gan.pixel_norm_epsilon = 1e-8f,
                                  .loss = tr_loss_config_official(),
                                  .augment = tr_augment_config_official(),
                                  .adam_beta1 = 0,
                                  .adam_beta2 = 0.99f,
                                  .adam_epsilon = 1e-8f,
                                  .d_repeats = 1};
    nn_status status = tr_schedule_preset(&c->schedule, preset, resolution_log2, err);
    if (status != NN_OK) return status;
    while (p < end && strcmp(p->name, preset) != 0) p++;
    snprintf(c->preset, sizeof c->preset, "%s", preset);
    c->gan.fmap_base = p->fmap_base;
    c->gan.fmap_max = p->fmap_max;
    c->gan.mbstd_group = p->mbstd_group;
    c->loss.penalty_native = p->is_short;
    c->fit_heads = p->is_short;
    if (p->is_short) c->augment.kimg = 100;
    c->ema_decay = p->ema_decay;
    c->tick_kimg = p->tick_kimg;
    c->metric_kimg = 5 * (float)p->tick_kimg;
    c->metric_images = p->is_short ? 512 : 2048;
    return NN_OK;
}

nn_status tr_train_config_check(const struct tr_train_config *c, struct nn_error *err)
{
    nn_status status = tr_settings_check(c, err);
    if (status == NN_OK && !(c->tick_kimg >= TR_TICK_KIMG_MIN && c->tick_kimg <= TR_TICK_KIMG_MAX))
        status = nn_fail(err, NN_ERR_ARGUMENT, "tick_kimg %g is not in %g..%g", c->tick_kimg,
                         TR_TICK_KIMG_MIN, TR_TICK_KIMG_MAX);
    if (status == NN_OK) status = tr_augment_check(&c->augment, err);
    return status == NN_OK ? nn_gan_check(&c->gan, err) : status;
}

static const char *const precisions[] = {"best", "f32", "bf16", NULL};

char *tr_train_config_text(const struct tr_train_config *c)
{
    json_t *levels = json_array();
    for (int k = 0; k < c->schedule.level_count; k++) {
        const struct tr_level *l = &c->schedule.levels[k];
        json_array_append_new(levels,
                              json_pack("{s:f,s:f,s:i,s:f}", "fade_kimg", l->fade_kimg, "train_kimg",
                                        l->train_kimg, "minibatch", l->minibatch, "lr", (double)l->lr));
    }
    json_t *root =
        json_pack("{s:s,s:s,s:i,s:i,s:s,s:s,s:I,s:f,s:o}", "preset", c->preset, "name", c->name,
                  "resolution_log2", c->gan.resolution_log2, "label_count", c->gan.label_count, "label_kind",
                  nn_label_kind_words[c->gan.label_kind], "precision", precisions[c->precision], "seed",
                  (json_int_t)c->seed, "tick_kimg", c->tick_kimg, "levels", levels);
    if (root && !tr_settings_pack(c, root)) {
        json_decref(root);
        root = NULL;
    }
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    return text;
}

static bool unpack_levels(struct tr_schedule *s, json_t *levels)
{
    s->level_count = (int)json_array_size(levels);
    if (s->level_count < 1 || s->level_count > NN_RESOLUTION_LOG2_MAX - 1) return false;
    for (int k = 0; k < s->level_count; k++) {
        struct tr_level *l = &s->levels[k];
        double lr;
        if (json_unpack(json_array_get(levels, (size_t)k), "{s:F,s:F,s:i,s:F}", "fade_kimg", &l->fade_kimg,
                        "train_kimg", &l->train_kimg, "minibatch", &l->minibatch, "lr", &lr) != 0)
            return false;
        bool bounded = l->fade_kimg >= 0 && l->fade_kimg <= 1e6 && l->train_kimg >= 0 && l->train_kimg <= 1e6;
        if (!bounded || !(lr >= 0 && lr <= 1)) return false;
        if (l->minibatch < 1 || l->minibatch > TR_MINIBATCH_MAX) return false;
        l->lr = (float)lr;
    }
    return true;
}

nn_status tr_train_config_parse(struct tr_train_config *c, const char *text, const char *name,
                                struct nn_error *err)
{
    json_t *levels = NULL, *root = json_loads(text, 0, NULL);
    json_int_t seed;
    /* What the first states did not have. */
    const char *preset = "", *model = "", *label_kind = nn_label_kind_words[NN_LABELS_CLASSES],
               *precision = "best";
    *c = (struct tr_train_config){
        .loss = tr_loss_config_official(), .augment = tr_augment_config_official(), .d_repeats = 1};
    bool good = json_unpack(root, "{s?s,s?s,s:i,s:i,s?s,s?s,s:I,s:F,s:o}", "preset", &preset, "name", &model,
                            "resolution_log2", &c->gan.resolution_log2, "label_count", &c->gan.label_count,
                            "label_kind", &label_kind, "precision", &precision, "seed", &seed, "tick_kimg",
                            &c->tick_kimg, "levels", &levels) == 0 &&
                tr_settings_unpack(c, root) && unpack_levels(&c->schedule, levels);
    int kind = good ? nn_word_index(nn_label_kind_words, label_kind) : -1;
    int maps = good ? nn_word_index(precisions, precision) : -1;
    if (good) snprintf(c->preset, sizeof c->preset, "%s", preset);
    if (good) snprintf(c->name, sizeof c->name, "%s", model);
    json_decref(root);
    if (kind < 0 || maps < 0 || c->schedule.level_count != c->gan.resolution_log2 - 1)
        return nn_fail(err, NN_ERR_FORMAT, "%s: its training configuration is damaged", name);
    c->seed = (uint64_t)seed;
    c->gan.label_kind = (enum nn_label_kind)kind;
    c->precision = (enum nn_precision)maps;
    struct nn_error problem;
    if (tr_train_config_check(c, &problem) == NN_OK) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: %s", name, problem.text);
}
