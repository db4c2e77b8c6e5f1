#include "trainer/train_config.h"

#include <jansson.h>
#include <string.h>

#include "trainer/train_settings.h"

nn_status tr_train_config_init(struct tr_train_config *c, const char *preset, int resolution_log2,
                               struct nn_error *err)
{
    bool small = strcmp(preset, "cpu-small") == 0;
    *c = (struct tr_train_config){
        .gan = {.resolution_log2 = resolution_log2,
                .fmap_base = small ? 2048 : 8192,
                .fmap_max = small ? 128 : 512,
                .mbstd_group = 4},
        .loss = tr_loss_config_official(),
        .augment = tr_augment_config_official(),
        .adam_beta1 = 0,
        .adam_beta2 = 0.99f,
        .adam_epsilon = 1e-8f,
        .d_repeats = 1,
        .ema_decay = small ? 0.995f : 0.999f, /* a shorter memory for a run of fewer steps */
        .tick_kimg = small ? 2 : 40,
    };
    c->loss.penalty_native = small;
    if (small) c->augment.kimg = 100; /* its runs are over before the published pace gets anywhere */
    return tr_schedule_preset(&c->schedule, preset, resolution_log2, err);
}

/* Which of the networks' variants; a configuration without them is of before there was a choice. */
static void put_variant(json_t *root, const struct nn_gan_config *g)
{
    json_object_set_new(root, "label_kind", json_string(nn_label_kind_words[g->label_kind]));
    json_object_set_new(root, "label_norm", json_string(nn_label_norm_words[g->label_norm]));
    json_object_set_new(root, "conditioning", json_string(nn_conditioning_words[g->conditioning]));
    json_object_set_new(root, "fused_scale", json_boolean(!g->unfused));
    if (g->pixel_norm_epsilon > 0)
        json_object_set_new(root, "pixel_norm_epsilon", json_real((double)g->pixel_norm_epsilon));
}

static bool take_variant(json_t *root, struct nn_gan_config *g)
{
    const char *kind = nn_label_kind_words[0], *norm = nn_label_norm_words[0],
               *conditioning = nn_conditioning_words[0];
    int fused = 1;
    double epsilon = 0;
    if (json_unpack(root, "{s?s,s?s,s?s,s?b,s?F}", "label_kind", &kind, "label_norm", &norm, "conditioning",
                    &conditioning, "fused_scale", &fused, "pixel_norm_epsilon", &epsilon) != 0)
        return false;
    int words[] = {nn_word_index(nn_label_kind_words, kind), nn_word_index(nn_label_norm_words, norm),
                   nn_word_index(nn_conditioning_words, conditioning)};
    g->label_kind = (enum nn_label_kind)words[0];
    g->label_norm = (enum nn_label_norm)words[1];
    g->conditioning = (enum nn_conditioning)words[2];
    g->unfused = !fused;
    g->pixel_norm_epsilon = (float)epsilon;
    return words[0] >= 0 && words[1] >= 0 && words[2] >= 0;
}

nn_status tr_train_config_check(const struct tr_train_config *c, struct nn_error *err)
{
    nn_status status = tr_settings_check(c, err);
    if (status == NN_OK) status = tr_augment_check(&c->augment, err);
    return status == NN_OK ? nn_gan_check(&c->gan, err) : status;
}

char *tr_train_config_text(const struct tr_train_config *c)
{
    json_t *levels = json_array();
    for (int k = 0; k < c->schedule.level_count; k++) {
        const struct tr_level *l = &c->schedule.levels[k];
        json_array_append_new(levels,
                              json_pack("{s:f,s:f,s:i,s:f}", "fade_kimg", l->fade_kimg, "train_kimg",
                                        l->train_kimg, "minibatch", l->minibatch, "lr", (double)l->lr));
    }
    json_t *root = json_pack("{s:i,s:i,s:i,s:i,s:i,s:I,s:f,s:o}", "resolution_log2", c->gan.resolution_log2,
                             "label_count", c->gan.label_count, "fmap_base", c->gan.fmap_base, "fmap_max",
                             c->gan.fmap_max, "mbstd_group", c->gan.mbstd_group, "seed", (json_int_t)c->seed,
                             "tick_kimg", c->tick_kimg, "levels", levels);
    if (root && !tr_settings_pack(c, root)) {
        json_decref(root);
        root = NULL;
    }
    if (root) put_variant(root, &c->gan);
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
        if (l->minibatch < 1 || l->minibatch > 4096) return false;
        l->lr = (float)lr;
    }
    return true;
}

nn_status tr_train_config_parse(struct tr_train_config *c, const char *text, const char *name,
                                struct nn_error *err)
{
    json_t *levels = NULL, *root = json_loads(text, 0, NULL);
    json_int_t seed;
    *c = (struct tr_train_config){
        .loss = tr_loss_config_official(), .augment = tr_augment_config_official(), .d_repeats = 1};
    bool good =
        json_unpack(root, "{s:i,s:i,s:i,s:i,s:i,s:I,s:F,s:o}", "resolution_log2", &c->gan.resolution_log2,
                    "label_count", &c->gan.label_count, "fmap_base", &c->gan.fmap_base, "fmap_max",
                    &c->gan.fmap_max, "mbstd_group", &c->gan.mbstd_group, "seed", &seed, "tick_kimg",
                    &c->tick_kimg, "levels", &levels) == 0 &&
        tr_settings_unpack(c, root) && take_variant(root, &c->gan) && unpack_levels(&c->schedule, levels);
    json_decref(root);
    if (!good || c->schedule.level_count != c->gan.resolution_log2 - 1)
        return nn_fail(err, NN_ERR_FORMAT, "%s: its training configuration is damaged", name);
    c->seed = (uint64_t)seed;
    struct nn_error problem;
    if (tr_train_config_check(c, &problem) == NN_OK) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s: %s", name, problem.text);
}
