#include "trainer/experiments/experiment_options.h"

#include <getopt.h>
#include <string.h>

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

/* Numbers as typed; 0 or -1 where the architecture's default stays. */
struct numbers {
    uint64_t side, epochs, minibatch, patience, seeds, seed;
    bool patient;
};

static int take_architecture(const char *command, const char *text, enum tr_architecture *architecture)
{
    for (int k = 0; tr_architecture_words[k]; k++)
        if (strcmp(text, tr_architecture_words[k]) == 0) {
            *architecture = (enum tr_architecture)k;
            return 0;
        }
    return tr_option_wrong(command, "architecture", text, "resnet18, inception_v3 or vgg16");
}

static int take_device(const char *command, const char *text, const char **device)
{
    if (strcmp(text, "auto") && strcmp(text, "cpu") && strcmp(text, "cuda"))
        return tr_option_wrong(command, "device", text, "auto, cpu or cuda");
    *device = text;
    return 0;
}

static void settle(struct tr_lab_settings *s, const struct numbers *n, enum tr_architecture architecture,
                   const char *pretrained)
{
    s->classify = tr_classify_defaults(architecture, pretrained != NULL);
    s->classify.pretrained = pretrained;
    s->classify.seed = n->seed;
    if (n->epochs) s->classify.epochs = (int)n->epochs;
    if (n->minibatch) s->classify.minibatch = (int)n->minibatch;
    if (n->patient) s->classify.patience = (int)n->patience;
    s->side = (int)n->side;
    s->seeds = (int)n->seeds;
}

int tr_experiment_parse(struct tr_lab_settings *settings, const struct tr_experiment *experiment, int argc,
                        char **argv, int *status)
{
    enum { DATA = 256, MODEL, OUT, FINDING, SIDE, ARCHITECTURE, PRETRAINED, EPOCHS, MINIBATCH, PATIENCE };
    enum { SEEDS = PATIENCE + 1, SEED, DEVICE, HELP };
    static const struct option options[] = {
        {"data", required_argument, NULL, DATA},
        {"model", required_argument, NULL, MODEL},
        {"out", required_argument, NULL, OUT},
        {"finding", required_argument, NULL, FINDING},
        {"side", required_argument, NULL, SIDE},
        {"architecture", required_argument, NULL, ARCHITECTURE},
        {"pretrained", required_argument, NULL, PRETRAINED},
        {"epochs", required_argument, NULL, EPOCHS},
        {"minibatch", required_argument, NULL, MINIBATCH},
        {"patience", required_argument, NULL, PATIENCE},
        {"seeds", required_argument, NULL, SEEDS},
        {"seed", required_argument, NULL, SEED},
        {"device", required_argument, NULL, DEVICE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct numbers n = {.seeds = 3, .seed = 1};
    enum tr_architecture architecture = TR_RESNET18;
    const char *pretrained = NULL;
    char command[48];
    int code;
    snprintf(command, sizeof command, "evaluate %s", experiment->part);
    *settings = (struct tr_lab_settings){.device = "auto"};
    *status = 0;
    optind = 1; /* one process may run several parts */
    while (*status == 0 && (code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (code) {
        case DATA:
            settings->data = optarg;
            break;
        case MODEL:
            settings->model = optarg;
            break;
        case OUT:
            settings->folder = optarg;
            break;
        case FINDING:
            settings->finding = optarg;
            break;
        case SIDE:
            *status = tr_option_whole(command, "side", optarg, 32, TR_CASES_SIDE_MAX, &n.side);
            break;
        case ARCHITECTURE:
            *status = take_architecture(command, optarg, &architecture);
            break;
        case PRETRAINED:
            pretrained = optarg;
            break;
        case EPOCHS:
            *status = tr_option_whole(command, "epochs", optarg, 1, TR_CLASSIFY_EPOCHS_MAX, &n.epochs);
            break;
        case MINIBATCH:
            *status = tr_option_whole(command, "minibatch", optarg, 1, 1024, &n.minibatch);
            break;
        case PATIENCE:
            *status = tr_option_whole(command, "patience", optarg, 0, 10000, &n.patience);
            n.patient = true;
            break;
        case SEEDS:
            *status = tr_option_whole(command, "seeds", optarg, 1, TR_LAB_SEEDS_MAX, &n.seeds);
            break;
        case SEED:
            *status = tr_option_whole(command, "seed", optarg, 0, INT64_MAX - TR_LAB_SEEDS_MAX, &n.seed);
            break;
        case DEVICE:
            *status = take_device(command, optarg, &settings->device);
            break;
        case HELP:
            put_usage(experiment);
            return 1;
        default:
            *status = 2;
        }
    }
    if (*status) return 1;
    settle(settings, &n, architecture, pretrained);
    if (optind == argc && settings->data && settings->model && settings->folder) return 0;
    fprintf(stderr, "roentgym %s: --data DIR, --model FILE and --out DIR are needed; see --help\n", command);
    *status = 2;
    return 1;
}
