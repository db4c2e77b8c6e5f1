/* The pages to look at. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base64.h"
#include "engine/file.h"
#include "trainer/ingest/ingest_report.h"
#include "trainer/report/html_text.h"

enum { PAGE_IMAGES = 100, TILE = 256 };

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

static nn_status as_8_bits(struct nn_image *image, struct nn_error *err)
{
    struct nn_image grey;
    if (image->depth == 8) return NN_OK;
    nn_status status = nn_image_init(&grey, image->width, image->height, 8, err);
    if (status != NN_OK) return status;
    nn_image_box_means(image, 1, grey.pixels);
    nn_image_release(image);
    *image = grey;
    return NN_OK;
}

static nn_status put_picture(FILE *page, const char *path, struct nn_error *err)
{
    struct nn_image image = {0}, small = {0};
    uint8_t *bytes = NULL;
    char *text = NULL;
    size_t size;
    int times = 0;
    nn_status status = nn_png_read(path, &image, err);
    while (status == NN_OK && image.width >> times > TILE) times++;
    if (status == NN_OK) status = nn_image_halve(&image, times, &small, err);
    if (status == NN_OK) status = as_8_bits(&small, err);
    if (status == NN_OK) status = nn_png_encode(&small, NULL, 0, &bytes, &size, err);
    if (status == NN_OK && !(text = malloc(NN_BASE64_TEXT(size))))
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for the review pages");
    if (status == NN_OK) {
        nn_base64(bytes, size, text);
        fprintf(page, "<img alt=\"\" src=\"data:image/png;base64,%s\">", text);
    }
    free(text);
    free(bytes);
    nn_image_release(&image);
    nn_image_release(&small);
    return status;
}

static nn_status put_tile(FILE *page, const char *images, const struct tr_ingest_item *item,
                          struct nn_error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s.png", images, item->name) >= (int)sizeof path)
        return nn_fail(err, NN_ERR_IO, "%s: %s", images, strerror(ENAMETOOLONG));
    fputs("<figure><label>", page);
    nn_status status = put_picture(page, path, err);
    fputs("<input type=\"checkbox\" value=\"", page);
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
    return status;
}

/* ---- pages ---------------------------------------------------------------------------------------- */

static void page_path(const char *report, int number, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/review-%03d.html", report, number);
}

static nn_status write_page(const char *path, const char *images, const struct tr_ingest_item *const *list,
                            int count, int number, int pages, struct nn_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    nn_status status = NN_OK;
    FILE *page = open_memstream(&bytes, &size);
    if (!page) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
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
    for (int i = 0; i < count && status == NN_OK; i++) status = put_tile(page, images, list[i], err);
    fprintf(page, "</main>\n%s", script);
    if (fclose(page) != 0 && status == NN_OK) status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    if (status == NN_OK) status = nn_file_replace(path, bytes, size, err);
    free(bytes);
    return status;
}

nn_status tr_ingest_review(const char *report, const char *images, const struct tr_ingest_table *table,
                           int *pages, struct nn_error *err)
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
        status = write_page(path, images, list + first, here, p + 1, *pages, err);
    }
    for (int p = *pages + 1; status == NN_OK; p++) {
        page_path(report, p, path);
        if (unlink(path) != 0) break;
    }
    free(list);
    return status;
}
