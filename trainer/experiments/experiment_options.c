#include "trainer/experiments/experiment_options.h"

#include "trainer/given_options.h"
#include "trainer/option_value.h"

static void put_usage(const struct tr_experiment *experiment)
{
    struct tr_classify_settings d = tr_classify_defaults(TR_RESNET18, false);
    printf("usage: roentgym evaluate %s --data DIR --model FILE --out DIR [options]\n\n%s\n",
           experiment->part, experiment->about);
    fputs(
        "Classifiers are trained from nothing, tested on the held-out real images, and kept by their "
        "scores:\n"
        "DIR/cells has a small file for each, which all parts of roentgym evaluate share. The same command "
        "goes on\n"
        "where it was stopped. Every network takes about as many steps, --epochs passes over the real "
        "training\n"
        "images; the weights of the epoch with the best AUC on 15 % of the patients it trains on are kept, "
        "or "
        "the\n"
        "last ones where those would be fewer than 10 images of a kind.\n"
        "\n"
        "  --data DIR           a data set with a training and a test split\n"
        "  --model FILE         the generator that was trained on its training split\n"
        "  --out DIR            for results, samples and scores; others of its parts may be there\n"
        "  --finding NAME       the class to tell from all else; default the second of two\n"
        "  --side N             pixels of the images shown; default 128, or the data's if they are smaller\n"
        "  --architecture NAME  resnet18 (default), inception_v3 or vgg16, at 299 and 224 pixels by default\n"
        "  --pretrained FILE    start from weights in torchvision's names (safetensors)\n",
        stdout);
    printf("  --epochs N           1..%d; default %d\n"
           "  --minibatch N        1..1024; default %d\n"
           "  --patience N         end after N epochs without a better validation AUC; 0 never; default %d\n"
           "  --seeds N            networks of each kind, 1..%d; default 3\n"
           "  --seed N             the first of them: its weights, order, validation part; default 1\n"
           "  --device NAME        auto (default), cpu or cuda\n"
           "  --help\n",
           TR_CLASSIFY_EPOCHS_MAX, d.epochs, d.minibatch, d.patience, TR_LAB_SEEDS_MAX);
}

enum option_code {
    DATA,
    MODEL,
    OUT,
    FINDING,
    PRETRAINED,
    ARCHITECTURE,
    DEVICE,
    SIDE,
    EPOCHS,
    MINIBATCH,
    PATIENCE,
    SEEDS,
    SEED,
    HELP
};

static const struct option options[] = {
    {"data", required_argument, NULL, DATA},
    {"model", required_argument, NULL, MODEL},
    {"out", required_argument, NULL, OUT},
    {"finding", required_argument, NULL, FINDING},
    {"pretrained", required_argument, NULL, PRETRAINED},
    {"architecture", required_argument, NULL, ARCHITECTURE},
    {"device", required_argument, NULL, DEVICE},
    {"side", required_argument, NULL, SIDE},
    {"epochs", required_argument, NULL, EPOCHS},
    {"minibatch", required_argument, NULL, MINIBATCH},
    {"patience", required_argument, NULL, PATIENCE},
    {"seeds", required_argument, NULL, SEEDS},
    {"seed", required_argument, NULL, SEED},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int take_values(struct tr_lab_settings *s, const struct tr_given *given)
{
    int architecture = TR_RESNET18, device = 0;
    struct tr_classify_settings *c = &s->classify;
    int status = tr_given_word(given, ARCHITECTURE, tr_architecture_words, &architecture);
    if (!status) status = tr_given_word(given, DEVICE, tr_option_devices, &device);
    if (status) return status;
    *s = (struct tr_lab_settings){.data = tr_given_text(given, DATA),
                                  .model = tr_given_text(given, MODEL),
                                  .folder = tr_given_text(given, OUT),
                                  .finding = tr_given_text(given, FINDING),
                                  .device = tr_option_devices[device],
                                  .seeds = 3};
    *c = tr_classify_defaults((enum tr_architecture)architecture, tr_given_text(given, PRETRAINED) != NULL);
    c->pretrained = tr_given_text(given, PRETRAINED);
    status = tr_given_int(given, SIDE, 32, TR_CASES_SIDE_MAX, &s->side);
    if (!status) status = tr_given_int(given, EPOCHS, 1, TR_CLASSIFY_EPOCHS_MAX, &c->epochs);
    if (!status) status = tr_given_int(given, MINIBATCH, 1, 1024, &c->minibatch);
    if (!status) status = tr_given_int(given, PATIENCE, 0, 10000, &c->patience);
    if (!status) status = tr_given_int(given, SEEDS, 1, TR_LAB_SEEDS_MAX, &s->seeds);
    if (!status) status = tr_given_whole(given, SEED, 0, INT64_MAX - TR_LAB_SEEDS_MAX, &c->seed);
    return status;
}

int tr_experiment_parse(struct tr_lab_settings *settings, const struct tr_experiment *experiment, int argc,
                        char **argv, int *status)
{
    struct tr_given given = {.options = options};
    if (tr_given_read(&given, argc, argv, status)) {
        if (*status == 0) put_usage(experiment);
        return 1;
    }
    *status = take_values(settings, &given);
    if (!*status && !(settings->data && settings->model && settings->folder))
        *status = tr_given_refuse(&given, "--data DIR, --model FILE and --out DIR are needed");
    return *status != 0;
}
