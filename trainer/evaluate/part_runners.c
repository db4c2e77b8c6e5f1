#include "trainer/evaluate/part_runners.h"

#include <math.h>

#include "trainer/parts/parts.h"

enum { LABEL_SAMPLES = 1000, SWD_IMAGES = 2048 };

#define TAKES(option) (1u << (option))
enum {
    LOOKS = TAKES(TR_FINDING) | TAKES(TR_SEED) | TAKES(TR_DEVICE),
    CLASSIFIES = LOOKS | TAKES(TR_SIDE) | TAKES(TR_EPOCHS)
};

const char *const tr_passed_names[TR_PASSED] = {"finding", "side", "epochs", "seeds", "seed", "device"};

static struct tr_part_work labels_work(const struct tr_part_size *s)
{
    double samples = 2 * (s->quick ? 100 : LABEL_SAMPLES);
    return (struct tr_part_work){0.85 * s->shown, s->test + samples, samples};
}

/* So many networks for each seed, on so many sets of samples. */
static struct tr_part_work networks(const struct tr_part_size *s, int rows, int sets)
{
    double all = rows * s->seeds;
    return (struct tr_part_work){all * s->shown, all * s->test, sets * s->train};
}

static struct tr_part_work table1_work(const struct tr_part_size *s)
{
    return networks(s, 8, 2);
}

/* What the parts have in common is trained once. */
static struct tr_part_work low_data_work(const struct tr_part_size *s)
{
    return s->tabled ? networks(s, 12, 0) : networks(s, 15, 1);
}

static struct tr_part_work boundary_work(const struct tr_part_size *s)
{
    return s->tabled ? networks(s, 0, 0) : networks(s, 3, 2);
}

/* In units of the classifiers' network: `looks` images through VGG16, or with --quick a small one. */
static struct tr_part_work features(const struct tr_part_size *s, bool train, double looks, double samples)
{
    double cost = s->quick ? tr_network_cost(TR_RESNET18, 128, (int)s->side)
                           : tr_network_cost(TR_VGG16, tr_architecture_side(TR_VGG16), (int)s->side);
    return (struct tr_part_work){train ? cost * (s->quick ? 256 * 3 : 512 * 5) : 0, cost * looks, samples};
}

static struct tr_part_work neighbours_work(const struct tr_part_size *s)
{
    return s->quick ? features(s, true, 128 + 2 * 64, 32) : features(s, true, 512 + 2 * 128, 64);
}

static struct tr_part_work tsne_work(const struct tr_part_size *s)
{
    return s->quick ? features(s, !s->near, 256, 128) : features(s, !s->near, 1024, 512);
}

static struct tr_part_work swd_work(const struct tr_part_size *s)
{
    double half = s->train / 2;
    return (struct tr_part_work){0, 0, fmin(half, s->quick ? TR_QUICK_SWD : SWD_IMAGES)};
}

#define QUICK_NETWORK "--architecture resnet18 --epochs 3 --network-images 256"

const struct tr_part_runner tr_part_runners[TR_SECTIONS] = {
    {tr_evaluate_labels, CLASSIFIES, "--samples 100", labels_work},
    {tr_evaluate_table1, CLASSIFIES | TAKES(TR_SEEDS), "", table1_work},
    {tr_evaluate_low_data, CLASSIFIES | TAKES(TR_SEEDS), "", low_data_work},
    {tr_evaluate_boundary, CLASSIFIES | TAKES(TR_SEEDS), "", boundary_work},
    {tr_evaluate_neighbours, LOOKS, QUICK_NETWORK " --samples 32 --training 128 --held-out 32",
     neighbours_work},
    {tr_evaluate_tsne, LOOKS, QUICK_NETWORK " --images 64", tsne_work},
    {tr_evaluate_swd, TAKES(TR_SEED) | TAKES(TR_DEVICE), "", swd_work},
};
