/* `roentgym report`: a run as one page to look at, print or send. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/command_end.h"
#include "trainer/commands.h"
#include "trainer/given_options.h"
#include "trainer/overwrite.h"
#include "trainer/report/report_page.h"
#include "trainer/text_file.h"

static const char usage[] = "usage: roentgym report RUN [--out FILE]\n"
                            "\n"
                            "Writes one self-contained HTML page about the training run in the folder "
                            "RUN, finished or going on: samples\n"
                            "through time, the sliced Wasserstein distance against its floor, losses, "
                            "step size, augmentation, throughput,\n"
                            "configuration. No script, nothing from outside. Lines of metrics.jsonl that "
                            "cannot be read are named there.\n"
                            "\n"
                            "  --out FILE         default RUN/report.html\n"
                            "  --help\n";

static nn_status write_page(const char *path, const char *run, const struct tr_run_facts *facts,
                            struct nn_error *err)
{
    struct tr_text_file page;
    nn_status status = tr_check_overwrite(path, "<!DOCTYPE html>", "HTML page", err);
    if (status == NN_OK) status = tr_text_file_begin(&page, path, err);
    if (status != NN_OK) return status;
    status = tr_report_put_page(page.to, run, facts, err);
    status = tr_text_file_end(&page, status, err);
    if (status == NN_OK) printf("%s: %.2f MB\n", path, (double)page.size / 1e6);
    return status;
}

int tr_report_main(int argc, char **argv)
{
    enum { OUT, HELP };
    static const struct option options[] = {
        {"out", required_argument, NULL, OUT}, {"help", no_argument, NULL, HELP}, {NULL, 0, NULL, 0}};
    char path[PATH_MAX];
    struct tr_run_facts facts;
    struct nn_error err;
    struct tr_given given = {.options = options, .usage = usage, .words = 1};
    int exit_status;
    if (tr_given_read(&given, argc, argv, &exit_status)) return exit_status;
    const char *run = given.word;
    if (!run) return tr_given_refuse(&given, "the folder RUN is needed");
    snprintf(path, sizeof path, "%s/report.html", run);
    nn_status status = tr_run_facts_read(&facts, run, &err);
    if (status == NN_OK) {
        status = write_page(tr_given_or(&given, OUT, path), run, &facts, &err);
        tr_run_facts_release(&facts);
    }
    return tr_command_end(argv[0], NULL, status, &err);
}
