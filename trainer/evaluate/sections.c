#include "trainer/evaluate/sections.h"

#include <math.h>
#include <string.h>

#include "trainer/evaluate/label_results.h"
#include "trainer/parts/part_warnings.h"

enum { TEXT = TR_TABLE_CELL };

/* ---- fields ------------------------------------------------------------------------------------- */

/* By a path of keys, "held_out.auc.value". */
static const json_t *field(const json_t *json, const char *path)
{
    char key[64];
    while (json && *path) {
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        json = json_object_get(json, key);
        path += length + (path[length] == '.');
    }
    return json;
}

static double number(const json_t *json, const char *path)
{
    const json_t *value = field(json, path);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *json, const char *path)
{
    const char *value = json_string_value(field(json, path));
    return value ? value : "";
}

static const char dash[] = "\xE2\x80\x93";

/* "0.912", or a dash. */
static const char *plain(char to[TEXT], int decimals, double value)
{
    if (isfinite(value))
        snprintf(to, TEXT, "%.*f", decimals, value);
    else
        snprintf(to, TEXT, "%s", dash);
    return to;
}

/* "0.912 (0.880 to 0.941)" of {value or mean, low, high}; with a sign, "+0.012 (-0.003 to +0.027)". */
static const char *interval(char to[TEXT], const json_t *json, const char *path, double times, int decimals,
                            bool sign)
{
    const json_t *of = field(json, path);
    double middle = times * number(of, json_object_get(of, "mean") ? "mean" : "value");
    double low = times * number(of, "low"), high = times * number(of, "high");
    if (!isfinite(middle))
        snprintf(to, TEXT, "%s", dash);
    else if (!isfinite(low) || !isfinite(high))
        plain(to, decimals, middle);
    else
        snprintf(to, TEXT, sign ? "%+.*f (%+.*f to %+.*f)" : "%.*f (%.*f to %.*f)", decimals, middle,
                 decimals, low, decimals, high);
    return to;
}

/* "0.880 to 0.941", or nothing; `unit` behind. */
static void range(char to[TR_HEADLINE_RANGE], const json_t *of, double times, int decimals, const char *unit)
{
    double low = times * number(of, "low"), high = times * number(of, "high");
    *to = '\0';
    if (isfinite(low) && isfinite(high))
        snprintf(to, TR_HEADLINE_RANGE, "%.*f to %.*f%s", decimals, low, decimals, high, unit);
}

#define AREA 1, 3, false
#define CHANGE 1, 3, true

static const char *percent(char to[TEXT], const json_t *json, const char *path)
{
    return interval(to, json, path, 100, 1, false);
}

static const json_t *row_of(const json_t *results, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(results, "rows"), i, row)
    {
        if (strcmp(text(row, "name"), name) == 0) return row;
    }
    return NULL;
}

/* ---- labels ------------------------------------------------------------------------------------- */

static void put_worth(struct tr_text_table *table, const char *of, const json_t *tally)
{
    char images[TEXT], auc[TEXT], seen[TEXT], clear[TEXT], all[TEXT];
    tr_text_table_row(table, "%s|%s|%s|%s|%s|%s", of, plain(images, 0, number(tally, "images")),
                      interval(auc, tally, "auc", AREA), percent(seen, tally, "sensitivity"),
                      percent(clear, tally, "specificity"), percent(all, tally, "agreement"));
}

static int label_tables(const json_t *results, struct tr_text_table *tables)
{
    size_t i;
    json_t *row;
    char a[TEXT], b[TEXT], c[TEXT];
    const json_t *confusion = field(results, "samples.confusion");
    tr_text_table_begin(&tables[0], "Images|Number|AUC|Sensitivity, %|Specificity, %|Agreement, %",
                        "What the judge sees in real images that it has not been trained on, and in samples "
                        "(95 %% intervals by patient)");
    put_worth(&tables[0], "Real, held out", field(results, "held_out"));
    put_worth(&tables[0], "Samples", field(results, "samples"));
    tr_text_table_begin(&tables[1], "Asked of the generator|Judged without|Judged with",
                        "Samples by what was asked for and what the judge saw (finding: %s)",
                        text(results, "finding"));
    tr_text_table_row(&tables[1], "without the finding|%s|%s",
                      plain(a, 0, number(confusion, "without_seen_without")),
                      plain(b, 0, number(confusion, "without_seen_with")));
    tr_text_table_row(&tables[1], "with the finding|%s|%s",
                      plain(a, 0, number(confusion, "with_seen_without")),
                      plain(b, 0, number(confusion, "with_seen_with")));
    tr_text_table_begin(
        &tables[2], "Class|Samples|Agreement, %|Pass with margin, %",
        "By class; who passes scores beyond all but %s %% of the real images of the other kind",
        plain(c, 0, 100 * number(results, "gate.margin")));
    json_array_foreach(json_object_get(results, "classes"), i, row)
    {
        tr_text_table_row(&tables[2], "%s|%s|%s|%s", text(row, "class"),
                          plain(a, 0, number(row, "agreement.of")), percent(b, row, "agreement"),
                          percent(c, row, "passes"));
    }
    return 3;
}

static bool label_headline(const json_t *results, struct tr_headline *h)
{
    char auc[TEXT];
    double value = number(results, "samples.agreement.value");
    snprintf(h->name, sizeof h->name, "Samples that show their class");
    snprintf(h->value, sizeof h->value, "%.1f %%", 100 * value);
    range(h->range, field(results, "samples.agreement"), 100, 1, " %");
    interval(auc, results, "held_out.auc", AREA);
    snprintf(h->note, sizeof h->note, "by a judge whose AUC on real images is %s", auc);
    return isfinite(value);
}

static const char *few_patients(const json_t *tested)
{
    return tr_few_patients_warning(number(tested, "patients_with"), number(tested, "patients_without"));
}

/* What the text of a page must not leave to the reader to see. */
static const char *label_warning(const json_t *results)
{
    return number(results, "held_out.auc.low") < TR_WEAK_JUDGE
               ? "The judge hardly tells real images apart: what it says of samples, and its list for decks, "
                 "are "
                 "worth little."
               : few_patients(field(results, "held_out"));
}

/* ---- experiments -------------------------------------------------------------------------------- */

static bool is_reference(const json_t *row)
{
    return strcmp(text(row, "compared_with"), text(row, "name")) == 0;
}

/* What the row's AUC has more than that of the row it is compared with, and its p. */
static const char *difference(char to[TEXT], const json_t *row)
{
    return is_reference(row) ? strcpy(to, dash) : interval(to, row, "difference.auc", CHANGE);
}

static const char *chance(char to[TEXT], const json_t *row)
{
    return is_reference(row) ? strcpy(to, dash) : plain(to, 3, number(row, "difference.auc.p"));
}

#define P_WORDS "95 %% intervals and two-sided p, by patient; p is 0.001 at least and of each line by itself"

static const char *few_warning(const json_t *results)
{
    return few_patients(field(results, "test"));
}

static int table1_tables(const json_t *results, struct tr_text_table *tables)
{
    size_t i;
    json_t *row;
    char images[TEXT], auc[TEXT], ap[TEXT], less[TEXT], p[TEXT];
    tr_text_table_begin(
        &tables[0], "Trained on|Images|AUC|Average precision|AUC less that of real|p|Paper's AUC",
        "Tested on %.0f real images of %.0f patients; networks of each kind: %.0f (" P_WORDS ")",
        number(results, "test.images"), number(results, "test.patients"), number(results, "seeds"));
    json_array_foreach(json_object_get(results, "rows"), i, row)
    {
        const char *paper = text(row, "paper_auc");
        tr_text_table_row(&tables[0], "%s|%s|%s|%s|%s|%s|%s", text(row, "name"),
                          plain(images, 0, number(row, "images")), interval(auc, row, "auc", AREA),
                          interval(ap, row, "average_precision", AREA), difference(less, row), chance(p, row),
                          *paper ? paper : dash);
    }
    return 1;
}

static bool table1_headline(const json_t *results, struct tr_headline *h)
{
    char real[TEXT];
    double value = number(row_of(results, "GAN-sample1"), "auc.mean");
    snprintf(h->name, sizeof h->name, "AUC, trained on samples alone");
    snprintf(h->value, sizeof h->value, "%.3f", value);
    range(h->range, field(row_of(results, "GAN-sample1"), "auc"), 1, 3, "");
    interval(real, row_of(results, "real"), "auc", AREA);
    snprintf(h->note, sizeof h->note, "trained on real images: %s", real);
    return isfinite(value);
}

static int low_data_tables(const json_t *results, struct tr_text_table *tables)
{
    size_t i;
    json_t *row;
    char images[TEXT], auc[TEXT], less[TEXT], p[TEXT];
    tr_text_table_begin(&tables[0], "Trained on|Images|AUC|Difference of AUC|p|To the row",
                        "Tested on %.0f real images; networks of each kind: %.0f (" P_WORDS ")",
                        number(results, "test.images"), number(results, "seeds"));
    json_array_foreach(json_object_get(results, "rows"), i, row)
    {
        tr_text_table_row(&tables[0], "%s|%s|%s|%s|%s|%s", text(row, "name"),
                          plain(images, 0, number(row, "images")), interval(auc, row, "auc", AREA),
                          difference(less, row), chance(p, row),
                          is_reference(row) ? dash : text(row, "compared_with"));
    }
    return 1;
}

static int boundary_tables(const json_t *results, struct tr_text_table *tables)
{
    static const struct {
        const char *key, *name;
    } measures[] = {{"accuracy", "Accuracy"},
                    {"sensitivity", "Accuracy with the finding"},
                    {"specificity", "Accuracy without it"},
                    {"balanced_accuracy", "Mean of these two"},
                    {"auc", "AUC"}};
    const json_t *sets = json_object_get(results, "distortion"), *real = row_of(results, "real");
    char value[TEXT], first[TEXT], second[TEXT];
    tr_text_table_begin(&tables[0],
                        "On held-out real images|Trained on real|Lost with GAN-sample1|Lost with GAN-sample2",
                        "Real less samples (95 %% intervals by patient)");
    for (size_t k = 0; k < sizeof measures / sizeof *measures; k++)
        tr_text_table_row(
            &tables[0], "%s|%s|%s|%s", measures[k].name, interval(value, real, measures[k].key, AREA),
            interval(first, json_object_get(json_object_get(sets, "GAN-sample1"), measures[k].key), "",
                     CHANGE),
            interval(second, json_object_get(json_object_get(sets, "GAN-sample2"), measures[k].key), "",
                     CHANGE));
    return 1;
}

static bool boundary_headline(const json_t *results, struct tr_headline *h)
{
    const json_t *set = json_object_get(json_object_get(results, "distortion"), "GAN-sample1");
    double value = number(set, "balanced_accuracy.mean");
    snprintf(h->name, sizeof h->name, "Boundary distortion");
    snprintf(h->value, sizeof h->value, "%.3f", value);
    range(h->range, field(set, "balanced_accuracy"), 1, 3, "");
    snprintf(h->note, sizeof h->note, "of the accuracy, both kinds counted alike");
    return isfinite(value);
}

/* ---- pictures and distances --------------------------------------------------------------------- */

static const char *network_warning(const json_t *results)
{
    return tr_weak_network_warning(number(results, "network_auc"));
}

static void put_nearness(struct tr_text_table *table, const char *layer, const json_t *of)
{
    char samples[TEXT], held_out[TEXT], ratio[TEXT], effect[TEXT], p[TEXT];
    tr_text_table_row(table, "%s|%s|%s|%s|%s|%s", layer, plain(samples, 4, number(of, "samples_median")),
                      plain(held_out, 4, number(of, "held_out_median")),
                      plain(ratio, 3, number(of, "samples_over_held_out")),
                      interval(effect, of, "effect", AREA), plain(p, 3, number(of, "p")));
}

static int neighbour_tables(const json_t *results, struct tr_text_table *tables)
{
    size_t i;
    json_t *layer;
    char count[TEXT], share[TEXT], ratio[TEXT];
    const json_t *copies = json_object_get(results, "copies");
    tr_text_table_begin(
        &tables[0], "Images|Number|Flagged as copies|Share, %",
        "Copies: much nearer to one training image than to the next patient's (ratio below %s; 95 %% "
        "intervals by patient)",
        plain(ratio, 3, number(copies, "ratio_below")));
    tr_text_table_row(&tables[0], "Samples|%.0f|%s|%s", number(results, "samples"),
                      plain(count, 0, number(copies, "samples_flagged.count")),
                      percent(share, copies, "samples_flagged"));
    tr_text_table_row(&tables[0], "Held-out real images|%.0f|%s|%s", number(results, "held_out"),
                      plain(count, 0, number(copies, "held_out_flagged.count")),
                      percent(share, copies, "held_out_flagged"));
    tr_text_table_begin(&tables[1], "Layer|Samples, median|Held-out, median|Ratio|Effect|p",
                        "Distance from the nearest of %.0f training images; effect: how likely a sample is "
                        "nearer than a held-out image (0.5: alike); " P_WORDS,
                        number(results, "training_images"));
    json_array_foreach(json_object_get(results, "layers"), i, layer)
    {
        put_nearness(&tables[1], text(layer, "layer"), layer);
    }
    put_nearness(&tables[1], "all layers", json_object_get(results, "all_layers"));
    return 2;
}

static bool neighbour_headline(const json_t *results, struct tr_headline *h)
{
    const json_t *flagged = field(results, "copies.samples_flagged");
    snprintf(h->name, sizeof h->name, "Samples flagged as copies");
    snprintf(h->value, sizeof h->value, "%.0f of %.0f", number(flagged, "count"), number(flagged, "of"));
    range(h->range, flagged, 100, 1, " %");
    snprintf(h->note, sizeof h->note, "of held-out images %.0f of %.0f",
             number(results, "copies.held_out_flagged.count"), number(results, "held_out"));
    return isfinite(number(flagged, "count"));
}

static int tsne_tables(const json_t *results, struct tr_text_table *tables)
{
    char value[TEXT];
    tr_text_table_begin(&tables[0], "Figure|Value", "How the picture was made");
    tr_text_table_row(&tables[0], "Images of each class and set|%s",
                      plain(value, 0, number(results, "images_of_each")));
    tr_text_table_row(&tables[0], "Real images that are held out|%s",
                      plain(value, 0, number(results, "held_out_real_images")));
    tr_text_table_row(&tables[0], "Perplexity|%s", plain(value, 1, number(results, "perplexity")));
    tr_text_table_row(&tables[0], "Trustworthiness, 5 neighbours|%s",
                      plain(value, 3, number(results, "trustworthiness")));
    return 1;
}

static int swd_tables(const json_t *results, struct tr_text_table *tables)
{
    static const char *const forms[] = {"swd-3x", "swd-1"};
    int count = 0;
    char a[TEXT], b[TEXT];
    for (int f = 0; f < 2; f++) {
        size_t i;
        json_t *level;
        const json_t *form = json_object_get(results, forms[f]);
        if (!form) continue;
        struct tr_text_table *table = &tables[count++];
        tr_text_table_begin(table, "Level|Samples from real|Floor: real from real",
                            "%s, times 1000, %.0f images a set", forms[f], number(results, "images"));
        json_array_foreach(json_object_get(form, "levels"), i, level)
        {
            tr_text_table_row(table, "%.0f pixels|%s|%s", number(level, "side"),
                              plain(a, 2, number(level, "distance")), plain(b, 2, number(level, "floor")));
        }
        tr_text_table_row(table, "mean|%s|%s", plain(a, 2, number(form, "mean")),
                          plain(b, 2, number(form, "floor_mean")));
    }
    return count;
}

static bool swd_headline(const json_t *results, struct tr_headline *h)
{
    const json_t *form = json_object_get(results, "swd-3x");
    double value = number(form, "mean");
    snprintf(h->name, sizeof h->name, "SWD \xC3\x97 1000, mean");
    snprintf(h->value, sizeof h->value, "%.2f", value);
    snprintf(h->note, sizeof h->note, "beside a floor of %.2f; %.0f images a set, no interval",
             number(form, "floor_mean"), number(results, "images"));
    return isfinite(value);
}

/* ---- all ---------------------------------------------------------------------------------------- */

const struct tr_section tr_sections[TR_SECTIONS] = {
    {.part = "labels",
     .title = "Do samples show what they were asked for?",
     .meaning =
         "A classifier that was trained on real images, the judge, looks at samples: agreement is the share "
         "in which it sees the class that the generator was asked for.",
     .limits =
         "The judge errs, as its row of real images shows, and what it takes for a finding need not be one "
         "to a radiologist.",
     .pictures = {{"labels.svg", "How the judge's scores spread, for real images and samples of each kind"}},
     .tables = label_tables,
     .warning = label_warning,
     .headline = label_headline},
    {.part = "table1",
     .title = "What classifiers learn from real images, samples, and both (Table 1)",
     .meaning = "A classifier is trained on each set and tested on the same held-out real images: the nearer "
                "samples alone come to real images, the more of what tells the classes apart is in them.",
     .limits =
         "The paper's figures (Finlayson et al. 2018) are of hospital radiographs and a larger network; they "
         "stand beside these for orientation and cannot be compared one to one.",
     .pictures = {{"table1.svg", "The AUC of each row with its interval"}},
     .tables = table1_tables,
     .warning = few_warning,
     .headline = table1_headline},
    {.part = "low-data",
     .title = "What samples add when real images are few",
     .meaning =
         "Real images cut to a share of the patients, alone and with samples: where the two curves part, "
         "samples help.",
     .limits = "The generator has seen all training images, also where the classifier sees few of them.",
     .pictures = {{"low-data.svg", "The AUC by the share of real images, with and without samples"}},
     .tables = low_data_tables,
     .warning = few_warning},
    {.part = "boundary",
     .title = "Boundary distortion",
     .meaning =
         "What is lost on held-out real images by training on as many samples of the same classes instead "
         "of real images (Santurkar, Schmidt and Madry 2018): 0 is nothing.",
     .limits = "It counts what a classifier misses in samples, which need not be what a learner misses.",
     .pictures = {{"boundary.svg", "What is lost by each measure, with its interval"}},
     .tables = boundary_tables,
     .warning = few_warning,
     .headline = boundary_headline},
    {.part = "neighbours",
     .title = "Nearest neighbours: are samples copies?",
     .meaning =
         "How near samples are to training images, beside how near held-out real images are, in every "
         "convolution layer of a network; a ratio of 1 says that samples are as far from them as other "
         "patients are.",
     .limits =
         "A network sees other likenesses than people do, and smooth images are near to everything: look at "
         "the sheets, too.",
     .pictures = {{"neighbours.png", "Samples, each beside its nearest training image in each layer"},
                  {"neighbours-nearest.png",
                   "The samples that are nearest to a training image; copies are framed"},
                  {"neighbours-held-out.png", "The same of held-out real images, to compare with"}},
     .tables = neighbour_tables,
     .warning = network_warning,
     .headline = neighbour_headline},
    {.part = "tsne",
     .title = "Real images and samples in the plane (t-SNE)",
     .meaning =
         "Images that the network sees alike lie near each other: where samples of a class lie among its "
         "real images, they look alike to it.",
     .limits =
         "Distances between groups and their sizes mean nothing in such a picture, only who is near whom.",
     .pictures = {{"tsne.svg", "Marks of real images (dots) and samples (squares) of both classes"},
                  {"tsne.png",
                   "Thumbnails of real images and samples of both classes, in frames by class and set"}},
     .tables = tsne_tables,
     .warning = network_warning},
    {.part = "swd",
     .title = "Sliced Wasserstein distance",
     .meaning =
         "How far the distribution of the samples' details is from that of real images, by size of detail; "
         "nothing can be expected below the floor.",
     .limits = "Fewer images give larger distances: only figures of as many images can be compared.",
     .tables = swd_tables,
     .headline = swd_headline},
};
