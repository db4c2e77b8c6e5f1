/* `roentgym simulate`: the command line, and the threads whose learners work at once. */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/file.h"
#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/data/csv_cell.h"
#include "trainer/interrupt.h"
#include "trainer/option_value.h"
#include "trainer/progress.h"
#include "trainer/simulate/simulate_actor.h"
#include "trainer/text_file.h"

enum { AT_ONCE_MAX = 256, LEARNERS_MAX = 100000, TOKEN_MIN = 32, TOKEN_MAX = 4096, SERVER_TEXT = 512 };

static const char usage[] =
    "usage: roentgym simulate --deck ID | --study ID [options]\n"
    "\n"
    "Plays learners against a running roentgymd, each by the same HTTP interface as a page, to rehearse a "
    "deck or\n"
    "a whole study and its analysis. Their answers are marked as simulated: results and exports leave them "
    "out,\n"
    "?simulated=true gives them instead of people's. Ctrl-C stops.\n"
    "\n"
    "  --deck ID            everybody does this deck once\n"
    "  --study ID           everybody takes part: consent, strata, every phase that is open, the questions. "
    "Simulated\n"
    "                       participants are randomised apart from people, and need not wait for a phase to "
    "open\n"
    "  --learners N         so many, 1..100000; default 20\n"
    "  --first N            number of the first; default 1. A learner's number and the seed make all its "
    "answers\n"
    "  --at-once N          so many work at the same time, 1..256; default 32\n"
    "  --server URL         default http://127.0.0.1:8080\n"
    "  --admin-token-file FILE   as the daemon made it: by it the program learns what is right, which a "
    "learner's\n"
    "                       skill needs, and the server tells of simulated learners only; default "
    "var/admin-token\n"
    "  --leave X            chance that a session is left in the middle, for good; default 0\n"
    "  --withdraw X         share of a study's participants who withdraw after a phase (stop, delete or "
    "anonymise);\n"
    "                       default 0\n"
    "  --other-device X     share of a study's sessions that are gone on with on another device; default 0\n"
    "  --no-images          does not load the images, which takes most of the time on a CPU; the log then "
    "has no\n"
    "                       hash of what was shown\n"
    "  --out FILE           CSV: who each learner is in the export, d' at the start and at the end, what "
    "became of it\n"
    "  --seed N             0..2^64-1; default 1. On a fresh server the same seed gives the same images and "
    "answers, in a\n"
    "                       study with --at-once 1, as arms are given in the order of enrolment\n"
    "  --skill KEY=X,...    how learners answer; may be repeated\n"
    "  --help\n"
    "\n"
    "Skill is that of signal detection. Arms are concealed, from this program too: it tells images by their "
    "source.\n"
    "Before d, max or learn may stand gan: or library:, for images that a model drew or that are of a data "
    "set.\n"
    "\n"
    "  d=1            d' without practice, 0..6\n"
    "  max=2.5        d' that practice leads to, 0..6\n"
    "  learn=0.01     how much of the way each image teaches that is answered with feedback, 0..1: after n "
    "images\n"
    "                 d' = d + (max - d) (1 - exp(-n learn)). learn is by the source of what is practised "
    "with, d and\n"
    "                 max by that of what is looked at: gan:learn=0.01,library:learn=0.02 makes an arm that "
    "practises\n"
    "                 with drawn images learn half as fast\n"
    "  spread=0.3     standard deviation of d' between learners, 0..3\n"
    "  criterion=0    -3..3; above 0 leans to the first choice\n"
    "  lapse=0.02     share of answers that are guessed, 0..1\n"
    "  rt=5000        median response time in ms (log-normal), 50..600000; nobody waits for it\n"
    "  rt-sigma=0.5   standard deviation of its logarithm, 0..3\n";

enum choice {
    DECK = 256,
    STUDY,
    LEARNERS,
    FIRST,
    AT_ONCE,
    SERVER,
    TOKEN,
    LEAVE,
    WITHDRAW,
    OTHER_DEVICE,
    NO_IMAGES,
    OUT,
    SEED,
    SKILL,
    HELP,
};

static const struct option options[] = {
    {"deck", required_argument, NULL, DECK},
    {"study", required_argument, NULL, STUDY},
    {"learners", required_argument, NULL, LEARNERS},
    {"first", required_argument, NULL, FIRST},
    {"at-once", required_argument, NULL, AT_ONCE},
    {"server", required_argument, NULL, SERVER},
    {"admin-token-file", required_argument, NULL, TOKEN},
    {"leave", required_argument, NULL, LEAVE},
    {"withdraw", required_argument, NULL, WITHDRAW},
    {"other-device", required_argument, NULL, OTHER_DEVICE},
    {"no-images", no_argument, NULL, NO_IMAGES},
    {"out", required_argument, NULL, OUT},
    {"seed", required_argument, NULL, SEED},
    {"skill", required_argument, NULL, SKILL},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

/* What is kept of a learner that was played. */
struct played {
    char name[TR_NAME_TEXT];
    double d[TR_SOURCES], d_end[TR_SOURCES]; /* at the start and at the end */
    long long answers, right;
    enum tr_outcome outcome;
    bool done;
};

struct simulation {
    struct tr_plan plan;
    char server[SERVER_TEXT], token[TOKEN_MAX];
    const char *token_file, *out;
    uint64_t learners, first, at_once;
    struct played *played;         /* [k]: learner first + k */
    atomic_uint_fast64_t next;     /* the place of the learner that nobody has begun to play */
    atomic_uint_fast64_t finished; /* how many have been played */
    atomic_int working;            /* threads */
    atomic_bool failed;
    pthread_mutex_t turn; /* of `err` */
    struct nn_error err;  /* the first failure */
    char goes_on[80];     /* the options that play the learners left after a stop */
};

/* ---- options ---- */

static int wrong_server(struct simulation *s, const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '/') length--;
    snprintf(s->server, sizeof s->server, "%.*s", (int)length, text);
    bool good = length < SERVER_TEXT && (!strncmp(text, "http://", 7) || !strncmp(text, "https://", 8));
    return good ? 0 : tr_option_wrong("simulate", "server", text, "like http://127.0.0.1:8080");
}

static int wrong_skill(struct simulation *s, const char *text)
{
    struct nn_error err = {0};
    if (tr_skill_read(text, &s->plan.skill, &err) == NN_OK) return 0;
    fprintf(stderr, "roentgym simulate: --skill: %s\n", err.text);
    return 2;
}

static int take_option(struct simulation *s, int option, const char *value)
{
    const char *name = option >= DECK ? options[option - DECK].name : "";
    struct tr_plan *plan = &s->plan;
    switch (option) {
    case DECK:
        plan->deck = value;
        return 0;
    case STUDY:
        plan->study = value;
        return 0;
    case LEARNERS:
        return tr_option_whole("simulate", name, value, 1, LEARNERS_MAX, &s->learners);
    case FIRST:
        return tr_option_whole("simulate", name, value, 1, UINT32_MAX, &s->first);
    case AT_ONCE:
        return tr_option_whole("simulate", name, value, 1, AT_ONCE_MAX, &s->at_once);
    case SERVER:
        return wrong_server(s, value);
    case TOKEN:
        s->token_file = value;
        return 0;
    case LEAVE:
        return tr_option_number("simulate", name, value, 0, 1, &plan->leave);
    case WITHDRAW:
        return tr_option_number("simulate", name, value, 0, 1, &plan->withdraw);
    case OTHER_DEVICE:
        return tr_option_number("simulate", name, value, 0, 1, &plan->other_device);
    case NO_IMAGES:
        plan->images = false;
        return 0;
    case OUT:
        s->out = value;
        return 0;
    case SEED:
        return tr_option_whole("simulate", name, value, 0, UINT64_MAX, &plan->seed);
    case SKILL:
        return wrong_skill(s, value);
    default:
        return 2; /* getopt has said why */
    }
}

/* 0, 2, or -1 when help was printed. */
static int read_options(struct simulation *s, int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == HELP) {
            fputs(usage, stdout);
            return -1;
        }
        int wrong = take_option(s, option, optarg);
        if (wrong) return wrong;
    }
    if (optind < argc) {
        fprintf(stderr, "roentgym simulate: unexpected argument '%s'\n", argv[optind]);
        return 2;
    }
    if (!s->plan.deck == !s->plan.study) {
        fputs("roentgym simulate: one of --deck and --study is needed; see roentgym simulate --help\n",
              stderr);
        return 2;
    }
    const char *id = s->plan.deck ? s->plan.deck : s->plan.study;
    if (*id && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(id)) return 0;
    return tr_option_wrong("simulate", s->plan.deck ? "deck" : "study", id, "an id: a-z, 0-9, _ and -");
}

static nn_status read_token(struct simulation *s)
{
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_file_read(s->token_file, TOKEN_MAX - 1, &bytes, &size, &s->err);
    if (status) return status;
    snprintf(s->token, sizeof s->token, "%s", (const char *)bytes);
    s->token[strcspn(s->token, "\r\n")] = '\0';
    s->plan.admin_token = s->token;
    free(bytes);
    if (strlen(s->token) >= TOKEN_MIN && !strpbrk(s->token, " \t")) return NN_OK;
    return nn_fail(&s->err, NN_ERR_FORMAT, "%s: holds no admin token", s->token_file);
}

/* ---- playing ---- */

static void fail(struct simulation *s, const struct nn_error *err)
{
    pthread_mutex_lock(&s->turn);
    if (!atomic_exchange(&s->failed, true)) s->err = *err;
    pthread_mutex_unlock(&s->turn);
}

static bool play(struct simulation *s, struct tr_actor *actor, uint64_t place)
{
    struct nn_error err = {0};
    struct played *played = &s->played[place];
    struct tr_skilled fresh;
    tr_skilled_init(&fresh, &s->plan.skill, s->plan.seed, s->first + place);
    nn_status status = tr_actor_run(actor, s->first + place, &played->outcome, &err);
    for (int i = 0; i < TR_SOURCES; i++) {
        played->d[i] = tr_skilled_d(&fresh, i);
        played->d_end[i] = tr_skilled_d(&actor->skilled, i);
    }
    memcpy(played->name, actor->name, sizeof played->name);
    played->answers = actor->answers;
    played->right = actor->right;
    played->done = true;
    /* What fails because the program is to end is no failure. */
    if (status && tr_interrupted()) played->outcome = TR_STOPPED;
    if (!status || tr_interrupted()) return true;
    fail(s, &err);
    return false;
}

static void *work(void *context)
{
    struct simulation *s = context;
    struct tr_actor actor = {.plan = &s->plan, .http = tr_http_new(s->server)};
    if (!actor.http) fail(s, &(struct nn_error){NN_ERR_MEMORY, "out of memory"});
    while (actor.http && !atomic_load(&s->failed) && !tr_interrupted()) {
        uint64_t place = atomic_fetch_add(&s->next, 1);
        if (place >= s->learners || !play(s, &actor, place)) break;
        atomic_fetch_add(&s->finished, 1);
    }
    tr_http_free(actor.http);
    atomic_fetch_sub(&s->working, 1);
    return NULL;
}

static void show_progress(struct simulation *s)
{
    struct tr_progress progress;
    uint64_t shown = 0;
    tr_progress_start(&progress, "learners");
    progress.first = 0;
    while (atomic_load(&s->working) > 0) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        uint64_t finished = atomic_load(&s->finished);
        if (finished > 0 && finished != shown) tr_progress_show(&progress, (int)finished, (int)s->learners);
        shown = finished;
    }
    uint64_t finished = atomic_load(&s->finished);
    if (finished == s->learners && finished != shown)
        tr_progress_show(&progress, (int)finished, (int)s->learners);
}

static void play_all(struct simulation *s)
{
    pthread_t threads[AT_ONCE_MAX];
    int count = (int)(s->at_once < s->learners ? s->at_once : s->learners), started = 0;
    atomic_init(&s->working, count);
    for (; started < count; started++)
        if (pthread_create(&threads[started], NULL, work, s)) break;
    atomic_fetch_sub(&s->working, count - started);
    if (started == 0) fail(s, &(struct nn_error){NN_ERR_MEMORY, "no thread can be started"});
    show_progress(s);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

/* ---- the end ---- */

static const char *const outcomes[TR_OUTCOMES] = {"finished", "left", "withdrew", "waits", "stopped"};

static nn_status write_out(struct simulation *s)
{
    struct tr_text_file text;
    nn_status status = tr_text_file_begin(&text, s->out, &s->err);
    if (status != NN_OK) return status;
    FILE *table = text.to;
    fprintf(table, "learner,%s,outcome,answers,right,d_gan,d_library,d_gan_end,d_library_end\n",
            s->plan.study ? "participant_id" : "session_id");
    for (uint64_t i = 0; i < s->learners; i++) {
        const struct played *p = &s->played[i];
        if (!p->done) continue;
        fprintf(table, "%" PRIu64 ",", s->first + i);
        tr_csv_write_cell(table, p->name);
        fprintf(table, ",%s,%lld,%lld,%.4f,%.4f,%.4f,%.4f\n", outcomes[p->outcome], p->answers, p->right,
                p->d[TR_GAN], p->d[TR_LIBRARY], p->d_end[TR_GAN], p->d_end[TR_LIBRARY]);
    }
    return tr_text_file_end(&text, NN_OK, &s->err);
}

/* NN_STOPPED: some learners are left. */
static nn_status print_summary(struct simulation *s)
{
    long long counts[TR_OUTCOMES] = {0}, answers = 0, right = 0;
    uint64_t begun = 0;
    for (uint64_t i = 0; i < s->learners; i++) {
        const struct played *p = &s->played[i];
        if (!p->done) continue;
        counts[p->outcome]++;
        answers += p->answers;
        right += p->right;
        begun = i + 1;
    }
    for (int i = 0; i < TR_OUTCOMES; i++)
        if (counts[i]) printf("%lld %s, ", counts[i], outcomes[i]);
    printf("%lld answers, %.1f %% right\n", answers, answers ? 100.0 * (double)right / (double)answers : 0.0);
    if (!tr_interrupted() || begun == s->learners) return NN_OK;
    snprintf(s->goes_on, sizeof s->goes_on, "--first %" PRIu64 " --learners %" PRIu64 " goes on",
             s->first + begun, s->learners - begun);
    return nn_fail(&s->err, NN_STOPPED, "stopped");
}

int tr_simulate_main(int argc, char **argv)
{
    struct simulation s = {.plan = {.skill = tr_skill_default, .seed = 1, .images = true},
                           .server = "http://127.0.0.1:8080",
                           .token_file = "var/admin-token",
                           .learners = 20,
                           .first = 1,
                           .at_once = 32,
                           .turn = PTHREAD_MUTEX_INITIALIZER};
    int wrong = read_options(&s, argc, argv);
    if (wrong) return wrong < 0 ? 0 : wrong;
    s.plan.server = s.server;
    tr_interrupt_catch();
    s.played = calloc(s.learners, sizeof *s.played);
    nn_status status = s.played ? read_token(&s) : nn_fail(&s.err, NN_ERR_MEMORY, "out of memory");
    if (status == NN_OK) status = tr_http_start(&s.err);
    if (status == NN_OK) {
        play_all(&s);
        if (atomic_load(&s.failed)) status = s.err.status;
    }
    if (status == NN_OK && s.out) status = write_out(&s);
    if (status == NN_OK) status = print_summary(&s);
    free(s.played);
    return tr_command_end(argv[0], s.goes_on, status, &s.err);
}
