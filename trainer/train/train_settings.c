#include "trainer/train/train_settings.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/option_value.h"

/* float, int, bool, a bool that is true when the option is off, an enum */
enum setting_type { NUMBER, WHOLE, SWITCH, SWITCH_OFF, CHOICE };

struct setting {
    const char *option; /* without the dashes before it */
    const char *help;   /* with the official value */
    enum setting_type type;
    size_t offset;              /* in struct tr_train_config */
    double low, high;           /* of NUMBER and WHOLE */
    const char *const *choices; /* of CHOICE, by value; NULL at the end */
};

#define AT(field) offsetof(struct tr_train_config, field)
#define A_NUMBER(option, field, low, high, help)                                                             \
    {                                                                                                        \
        option, help, NUMBER, AT(field), low, high, NULL                                                     \
    }
#define A_WHOLE(option, field, low, high, help)                                                              \
    {                                                                                                        \
        option, help, WHOLE, AT(field), low, high, NULL                                                      \
    }
#define A_SWITCH(option, field, help)                                                                        \
    {                                                                                                        \
        option, help, SWITCH, AT(field), 0, 0, NULL                                                          \
    }
#define A_SWITCH_OFF(option, field, help)                                                                    \
    {                                                                                                        \
        option, help, SWITCH_OFF, AT(field), 0, 0, NULL                                                      \
    }
#define A_CHOICE(option, field, choices, help)                                                               \
    {                                                                                                        \
        option, help, CHOICE, AT(field), 0, 0, choices                                                       \
    }

static const struct setting settings[] = {
    A_WHOLE("fmap-base", gan.fmap_base, 1, 1 << 20,
            "channels are min(fmap-base / 2^stage, fmap-max); by the preset"),
    A_WHOLE("fmap-max", gan.fmap_max, 1, NN_FMAP_MAX, "by the preset"),
    A_SWITCH_OFF("fused-scale", gan.unfused, "up- and down-sampling fused with their convolutions; on"),
    A_CHOICE("label-norm", gan.label_norm, nn_label_norm_words,
             "the first pixel norm is over latents and labels: joint (default), latent_only"),
    A_CHOICE("conditioning", gan.conditioning, nn_conditioning_words,
             "the discriminator and labels: classifier (default), projection"),
    A_WHOLE("mbstd-group", gan.mbstd_group, 0, 256,
            "minibatch deviation over so many; 4, in paper 16; 0: all"),
    A_NUMBER("pixel-norm-epsilon", gan.pixel_norm_epsilon, 0, 1, "1e-8"),
    A_CHOICE("loss", loss.kind, tr_loss_words, "wgan-gp (default), nonsat-r1, r3"),
    A_NUMBER("penalty-weight", loss.penalty_weight, 0, 1e6, "wgan-gp: of the gradient penalty; 10"),
    A_NUMBER("penalty-target", loss.penalty_target, 1e-6, 1e6, "wgan-gp: the gradient norm wanted; 1"),
    A_NUMBER("drift-weight", loss.drift_weight, 0, 1e6, "wgan-gp: of reals' squared scores; 0.001"),
    A_SWITCH("penalty-native", loss.penalty_native,
             "gradients' norms at the level's size; on in short presets, else off"),
    A_NUMBER("gamma", loss.gamma, 0, 1e6,
             "nonsat-r1, r3: of squared gradients; 0 (default): by side and minibatch"),
    A_WHOLE("lazy-interval", loss.lazy_interval, 1, 1000, "nonsat-r1: steps from penalty to penalty; 16"),
    A_NUMBER("label-weight", loss.label_weight, 0, 1e6, "of the label terms; 1"),
    A_CHOICE("fake-labels", loss.fake_labels, tr_fake_labels_words,
             "of the fakes that the discriminator sees: real_batch (default), random"),
    A_SWITCH("label-fakes", loss.label_fakes, "the discriminator, too, learns to classify fakes; on"),
    A_CHOICE("augment", augment.mode, tr_augment_words,
             "what D sees: none (default), ada (adaptive, for fewer than 30,000 images), fixed"),
    A_NUMBER("augment-p", augment.p, 0, 1, "its strength, at the start or fixed; 0"),
    A_NUMBER("augment-target", augment.target, 0, 1, "ada: of E[sign(margin)]; 0.6"),
    A_NUMBER("augment-kimg", augment.kimg, 0.001, 1e6,
             "ada: from none to full strength at the fastest; 500; 100 in short presets, grown runs"),
    A_SWITCH("mirror", mirror, "left and right may change places; off"),
    A_NUMBER("adam-beta1", adam_beta1, 0, 0.99999, "0"),
    A_NUMBER("adam-beta2", adam_beta2, 0, 0.99999, "0.99"),
    A_NUMBER("adam-epsilon", adam_epsilon, 0, 1, "1e-8"),
    A_NUMBER("lr-rampup-kimg", lr_rampup_kimg, 0, 1e6, "the step size rises until then; 0"),
    A_SWITCH("fit-heads", fit_heads,
             "a new level's grey head begins close to the level below; on in short presets, else off"),
    A_WHOLE("d-repeats", d_repeats, 1, 100, "discriminator steps to one of the generator; 1"),
    A_NUMBER("ema-decay", ema_decay, 0, 1, "of the averaged generator, per step; by the preset"),
    A_NUMBER("ema-kimg", ema_kimg, 0, 1e6, "its half-life instead; 0: --ema-decay holds"),
    A_NUMBER("ema-rampup", ema_rampup, 0, 1e6, "half-life at most this share of the images shown; 0: any"),
    A_NUMBER("metric-kimg", metric_kimg, 0, 1e6, "SWD beside its floor after X kimg; 0: never; 5 ticks"),
    A_WHOLE("metric-images", metric_images, 0, 16384, "of each set compared; 2048, in short presets 512"),
};

enum { SETTING_COUNT = (int)(sizeof settings / sizeof *settings) };
_Static_assert((int)SETTING_COUNT <= (int)TR_SETTINGS_MAX, "more settings than callers have room for");

enum { KEY_SIZE = 40 };

/* The option's name with underscores. */
static const char *key_of(const struct setting *s, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "%s", s->option);
    for (char *c = key; *c; c++)
        if (*c == '-') *c = '_';
    return key;
}

/* A setting's place in a configuration. */
union place {
    float *number;
    int *whole; /* enums have this size */
    bool *on;
};
_Static_assert(sizeof(enum tr_loss_kind) == sizeof(int), "an enum of another size than int");

static union place place_of(struct tr_train_config *c, const struct setting *s)
{
    char *at = (char *)c + s->offset;
    if (s->type == NUMBER) return (union place){.number = (float *)(void *)at};
    if (s->type == SWITCH || s->type == SWITCH_OFF) return (union place){.on = (bool *)at};
    return (union place){.whole = (int *)(void *)at};
}

int tr_settings_count(void)
{
    return SETTING_COUNT;
}

const char *tr_setting_option(int index)
{
    return settings[index].option;
}

void tr_settings_help(FILE *out)
{
    static const char *const values[] = {"X", "N", "on|off", "on|off", "NAME"};
    for (int i = 0; i < SETTING_COUNT; i++) {
        int width = fprintf(out, "  --%s %s", settings[i].option, values[settings[i].type]);
        fprintf(out, "%*s%s\n", width < 27 ? 27 - width : 1, "", settings[i].help);
    }
}

/* ---- the command line --------------------------------------------------------------------------- */

static int take_number(const struct setting *s, const char *text, float *value)
{
    double number;
    int status = tr_option_number("train", s->option, text, s->low, s->high, &number);
    if (status == 0) *value = (float)number;
    return status;
}

static int take_whole(const struct setting *s, const char *text, int *value)
{
    uint64_t number;
    int status = tr_option_whole("train", s->option, text, (uint64_t)s->low, (uint64_t)s->high, &number);
    if (status == 0) *value = (int)number;
    return status;
}

static int take_choice(const struct setting *s, const char *text, int *value)
{
    char wanted[120] = "";
    int found = nn_word_index(s->choices, text);
    if (found >= 0) {
        *value = found;
        return 0;
    }
    for (int i = 0; s->choices[i]; i++) {
        size_t used = strlen(wanted);
        snprintf(wanted + used, sizeof wanted - used, "%s%s", i ? " or " : "", s->choices[i]);
    }
    return tr_option_wrong("train", s->option, text, wanted);
}

int tr_setting_take(struct tr_train_config *c, int index, const char *text)
{
    const struct setting *s = &settings[index];
    union place at = place_of(c, s);
    switch (s->type) {
    case NUMBER:
        return take_number(s, text, at.number);
    case WHOLE:
        return take_whole(s, text, at.whole);
    case CHOICE:
        return take_choice(s, text, at.whole);
    default:
        if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
            return tr_option_wrong("train", s->option, text, "on or off");
        *at.on = (strcmp(text, "on") == 0) == (s->type == SWITCH);
        return 0;
    }
}

/* ---- the state ---------------------------------------------------------------------------------- */

nn_status tr_settings_check(const struct tr_train_config *c, struct nn_error *err)
{
    struct tr_train_config copy = *c;
    char key[KEY_SIZE];
    for (int i = 0; i < SETTING_COUNT; i++) {
        const struct setting *s = &settings[i];
        if (s->type != NUMBER && s->type != WHOLE) continue;
        union place at = place_of(&copy, s);
        double value = s->type == NUMBER ? (double)*at.number : *at.whole;
        /* As f32, in which 1e-6 is a little less than 1e-6. */
        if (!(value >= (double)(float)s->low && value <= (double)(float)s->high))
            return nn_fail(err, NN_ERR_ARGUMENT, "%s %g is not in %g..%g", key_of(s, key), value, s->low,
                           s->high);
    }
    return NN_OK;
}

bool tr_settings_pack(const struct tr_train_config *c, json_t *root)
{
    struct tr_train_config copy = *c;
    char key[KEY_SIZE];
    for (int i = 0; i < SETTING_COUNT; i++) {
        const struct setting *s = &settings[i];
        union place at = place_of(&copy, s);
        json_t *value = s->type == NUMBER       ? json_real((double)*at.number)
                        : s->type == WHOLE      ? json_integer(*at.whole)
                        : s->type == SWITCH     ? json_boolean(*at.on)
                        : s->type == SWITCH_OFF ? json_boolean(!*at.on)
                                                : json_string(s->choices[*at.whole]);
        if (json_object_set_new(root, key_of(s, key), value) != 0) return false;
    }
    return true;
}

static bool unpack(const struct setting *s, union place at, const json_t *value)
{
    json_int_t whole = json_integer_value(value); /* 0 for other types, as below */
    const char *text = json_string_value(value);
    switch (s->type) {
    case NUMBER:
        *at.number = (float)json_number_value(value);
        return json_is_number(value);
    case WHOLE:
        *at.whole = (int)whole;
        return json_is_integer(value) && whole >= (json_int_t)s->low && whole <= (json_int_t)s->high;
    case SWITCH:
    case SWITCH_OFF:
        *at.on = json_is_true(value) == (s->type == SWITCH);
        return json_is_boolean(value);
    default:
        *at.whole = text ? nn_word_index(s->choices, text) : -1;
        return *at.whole >= 0;
    }
}

bool tr_settings_unpack(struct tr_train_config *c, const json_t *root)
{
    char key[KEY_SIZE];
    for (int i = 0; i < SETTING_COUNT; i++) {
        const json_t *value = json_object_get(root, key_of(&settings[i], key));
        if (value && !unpack(&settings[i], place_of(c, &settings[i]), value)) return false;
    }
    return true;
}
