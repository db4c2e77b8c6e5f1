/* Plays a class of learners against a running server, over real HTTP, from one thread that costs little,
 * since it shares the machine with the server. Prints one JSON object; asserts nothing.
 *
 *     load_learners --port N [options]
 *
 *   --learners N --items K    N learners, each of whom answers K items (default: 200, 20)
 *   --ramp S                  they open the page within S seconds (60); 0: all at once
 *   --compress X              all human times are divided by X (10)
 *   --read S --feedback S --sigma S   medians of the log-normal pauses before an answer (20) and after it
 * (5), and the deviation of their logarithm (0.5)
 *   --atlas R --atlas-large P an educator asks for R samples a second, the share P of them at 1024x1024 (0,
 * 0.1)
 *   --answers N --pens M      instead: starts N sessions, then M connections answer all their items, nothing
 * else
 *   --limit S                 stops after S seconds (600)
 *   --connections N           of each browser (6, what browsers allow themselves)
 *   --seed N
 *
 * About the pauses: trainees in emergency medicine took a median of 34.1 s for a case of several radiographs
 * on a web page with feedback (Boutis et al., Competency-based learning of pediatric musculoskeletal
 * radiographs, CAEP abstract LO41, CJEM 2018); 20 s for one radiograph and 5 s for the feedback to a
 * yes-or-no question is our assumption, and makes more load. Log-normal, as response times usually are; sigma
 * is an assumption.
 *
 * "wait" is what the learner feels: from "next" until the image is there. It is mostly 0, because the page
 * fetches one item ahead, so "image" (request to last byte) is the stricter figure. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/load_run.h"

static void usage(void)
{
    fprintf(stderr, "usage: load_learners --port N [options]; its source's first lines list them\n");
    exit(2);
}

static double number(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0)) usage();
    return value;
}

static void read_settings(int argc, char **argv, struct load_settings *set)
{
    static const char *const names[] = {"port",     "learners",    "items",    "connections", "ramp",
                                        "compress", "read",        "feedback", "sigma",       "limit",
                                        "atlas",    "atlas-large", "answers",  "pens",        "seed"};
    enum { COUNT = sizeof names / sizeof *names };
    double values[COUNT] = {0, 200, 20, LOAD_CONNECTIONS_MAX, 60, 10, 20, 5, 0.5, 600, 0, 0.1, 0, 64, 1};
    struct option options[COUNT + 1] = {0};
    int flag, i = 0;
    for (; i < COUNT; i++) options[i] = (struct option){names[i], required_argument, NULL, i + 1};
    while ((flag = getopt_long(argc, argv, "", options, NULL)) > 0) {
        if (flag > COUNT) usage();
        values[flag - 1] = number(optarg);
    }
    if (optind < argc || values[0] < 1 || values[3] < 1 || values[3] > LOAD_CONNECTIONS_MAX ||
        !(values[5] > 0))
        usage();
    *set = (struct load_settings){
        .port = (int)values[0],
        .learners = (int)values[1],
        .items = (int)values[2],
        .connections = (int)values[3],
        .ramp_s = values[4],
        .compress = values[5],
        .read_s = values[6],
        .feedback_s = values[7],
        .sigma = values[8],
        .limit_s = values[9],
        .atlas_rate = values[10],
        .atlas_large = values[11],
        .sessions = (int)values[12],
        .pens = (int)values[13],
        .seed = (unsigned long long)values[14],
    };
}

/* Every connection is a descriptor. */
static void raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files)) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static double cpu_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char **argv)
{
    static struct load_run run;
    read_settings(argc, argv, &run.set);
    raise_limits();
    run.loop = load_loop_new(run.set.port);
    run.errors = json_object();
    if (run.set.sessions > 0) load_answers_prepare(&run);
    double started = load_now(), cpu_before = cpu_s();
    if (run.set.sessions > 0)
        load_answers_start(&run);
    else
        load_drill_start(&run);
    if (run.set.atlas_rate > 0) load_atlas_start(&run);
    load_loop_run(run.loop, run.set.limit_s);
    double seconds = load_now() - started;
    json_t *report = load_report(&run);
    json_object_set_new(report, "seconds", json_real(seconds));
    json_object_set_new(report, "cpu_seconds", json_real(cpu_s() - cpu_before));
    json_dumpf(report, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(report);
    json_decref(run.errors);
    for (int k = 0; k < KIND_COUNT; k++) free(run.samples[k].seconds);
    load_loop_free(run.loop);
    return 0;
}
