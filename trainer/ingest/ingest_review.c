/* The pages to look at. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trainer/drawing/html_text.h"
#include "trainer/ingest/ingest_report.h"
#include "trainer/text_file.h"

enum { PAGE_IMAGES = 100 };

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<style>body{font:14px/1.4 system-ui,sans-serif;margin:1em;background:#fff;color:#111}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(17em,1fr));gap:1em}"
    "figure{margin:0;padding:.5em;border:1px solid #999;overflow-wrap:anywhere}"
    "img{width:100%;background:#000;display:block}figure:has(:checked){background:#fbd}"
    "b{color:#a00}@media print{button,nav{display:none}}</style>\n";

/* What is ticked goes into a file; a page on disk can do no more. */
static const char script[] = "<script>document.querySelector('button').onclick=()=>{"
                             "const cell=t=>'\"'+t.replaceAll('\"','\"\"')+'\"\\n';"
                             "const ticked=[...document.querySelectorAll(':checked')].map(b=>cell(b.value));"
                             "const link=document.createElement('a');"
                             "link.href=URL.createObjectURL(new Blob(['file\\n',...ticked]));"
                             "link.download=document.title+'.csv';link.click()}</script>\n";

/* ---- order ---------------------------------------------------------------------------------------- */

static int to_review(const void *a, const void *b)
{
    const struct tr_ingest_item *const *x = a, *const *y = b;
    if (!(*x)->note != !(*y)->note) return !(*x)->note ? 1 : -1;
    int order = strcmp((*x)->label, (*y)->label);
    return order ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

static const struct tr_ingest_item **list_taken(const struct tr_ingest_table *table, int *count)
{
    const struct tr_ingest_item **list = malloc(((size_t)table->count + 1) * sizeof *list);
    *count = 0;
    if (!list) return NULL;
    for (int i = 0; i < table->count; i++)
        if (table->items[i].verdict == TR_INGEST_TAKEN) list[(*count)++] = &table->items[i];
    qsort(list, (size_t)*count, sizeof *list, to_review);
    return list;
}

/* ---- one image ------------------------------------------------------------------------------------ */

static void put_tile(FILE *page, const struct tr_ingest_item *item)
{
    fprintf(page,
            "<figure><label><img alt=\"\" loading=\"lazy\" src=\"tiles/%s.png\">"
            "<input type=\"checkbox\" value=\"",
            item->name);
    tr_html_put(page, item->file);
    fputs("\"> ", page);
    tr_html_put(page, item->label);
    fprintf(page, ", %s<br>", item->test ? "test" : "train");
    tr_html_put(page, item->file);
    fputs("</label>", page);
    if (item->note) {
        fputs("<br><b>", page);
        tr_html_put(page, item->note);
        fputs("</b>", page);
    }
    fputs("</figure>\n", page);
}

/* ---- pages ---------------------------------------------------------------------------------------- */

static void page_path(const char *report, int number, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/review-%03d.html", report, number);
}

static nn_status write_page(const char *path, const struct tr_ingest_item *const *list, int count, int number,
                            int pages, struct nn_error *err)
{
    struct tr_text_file text;
    nn_status status = tr_text_file_begin(&text, path, err);
    if (status != NN_OK) return status;
    FILE *page = text.to;
    fputs(head, page);
    fprintf(page, "<title>review-%03d</title><h1>Page %d of %d</h1>\n", number, number, pages);
    fputs(
        "<p>Tick what is to be left out. <button>Save what is ticked</button> and run the same command with "
        "<code>--leave-out</code> and that file. This page shows patients' images and names the files they "
        "come from: "
        "it stays with the source.</p>\n<nav>",
        page);
    if (number > 1) fprintf(page, "<a href=\"review-%03d.html\">page before</a> ", number - 1);
    if (number < pages) fprintf(page, "<a href=\"review-%03d.html\">next page</a>", number + 1);
    fputs("</nav>\n<main>\n", page);
    for (int i = 0; i < count; i++) put_tile(page, list[i]);
    fprintf(page, "</main>\n%s", script);
    return tr_text_file_end(&text, NN_OK, err);
}

nn_status tr_ingest_review(const char *report, const struct tr_ingest_table *table, int *pages,
                           struct nn_error *err)
{
    int count;
    char path[PATH_MAX];
    nn_status status = NN_OK;
    const struct tr_ingest_item **list = list_taken(table, &count);
    if (!list) return nn_fail(err, NN_ERR_MEMORY, "out of memory for the review pages");
    *pages = (count + PAGE_IMAGES - 1) / PAGE_IMAGES;
    for (int p = 0; p < *pages && status == NN_OK; p++) {
        int first = p * PAGE_IMAGES, here = count - first < PAGE_IMAGES ? count - first : PAGE_IMAGES;
        page_path(report, p + 1, path);
        status = write_page(path, list + first, here, p + 1, *pages, err);
    }
    for (int p = *pages + 1; status == NN_OK; p++) {
        page_path(report, p, path);
        if (unlink(path) != 0) break;
    }
    free(list);
    return status;
}
