#include "trainer/report/report_sheets.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base64.h"
#include "engine/image.h"
#include "trainer/drawing/html_text.h"

enum { SHEETS_MAX = 12, NEWEST_WIDTH_MAX = 1400, EARLIER_WIDTH_MAX = 620, NAME_SIZE = 64 };

struct sheet {
    double kimg;
    char name[NAME_SIZE];
};

static int by_kimg(const void *a, const void *b)
{
    const struct sheet *x = a, *y = b;
    return (x->kimg > y->kimg) - (x->kimg < y->kimg);
}

/* Heap memory in *sheets, which the caller frees. */
static nn_status list_sheets(const char *run, struct sheet **sheets, int *count, struct nn_error *err)
{
    int room = 0;
    nn_status status = NN_OK;
    DIR *folder = opendir(run);
    *sheets = NULL;
    *count = 0;
    if (!folder) return nn_fail(err, NN_ERR_IO, "%s: %s", run, strerror(errno));
    for (const struct dirent *entry; status == NN_OK && (entry = readdir(folder));) {
        struct sheet s;
        int end = 0;
        if (sscanf(entry->d_name, "sheet-%lf.png%n", &s.kimg, &end) != 1 || end == 0 || entry->d_name[end] ||
            strlen(entry->d_name) >= NAME_SIZE)
            continue;
        strcpy(s.name, entry->d_name);
        if (*count == room) {
            room = room ? 2 * room : 64;
            struct sheet *more = realloc(*sheets, (size_t)room * sizeof *more);
            if (!more) {
                status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for its sheets", run);
                break;
            }
            *sheets = more;
        }
        (*sheets)[(*count)++] = s;
    }
    closedir(folder);
    if (*count) qsort(*sheets, (size_t)*count, sizeof **sheets, by_kimg);
    return status;
}

/* Means of k x k boxes, with the k that brings the width down to `width_max`. */
static nn_status shrink(const struct nn_image *image, int width_max, struct nn_image *out,
                        struct nn_error *err)
{
    int k = (image->width + width_max - 1) / width_max, width = image->width / k, height = image->height / k;
    nn_status status = nn_image_init(out, width, height > 0 ? height : 1, 8, err);
    if (status == NN_OK) nn_image_box_means(image, k, out->pixels);
    return status;
}

static void put_problem(FILE *page, const struct sheet *s, const char *why)
{
    fputs("<p class=\"problem\">", page);
    tr_html_put(page, s->name);
    fputs(" cannot be shown: ", page);
    tr_html_put(page, why);
    fputs("</p>\n", page);
}

static nn_status put_image(FILE *page, const struct sheet *s, const struct nn_image *image, const char *rows,
                           struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    nn_status status = nn_png_encode(image, NULL, 0, &bytes, &size, err);
    if (status != NN_OK) return status;
    char *text = malloc(NN_BASE64_TEXT(size));
    if (!text) {
        free(bytes);
        return nn_fail(err, NN_ERR_MEMORY, "out of memory");
    }
    nn_base64(bytes, size, text);
    free(bytes);
    /* Sheets of the first levels are as small as stamps; the browser enlarges them, in squares. */
    int times = image->width < 200 ? 4 : image->width < 400 ? 2 : 1;
    fprintf(page,
            "<figure><figcaption>%.6g kimg</figcaption><img class=\"sheet\" width=\"%d\" height=\"%d\" "
            "alt=\"Contact sheet at %.6g kimg. ",
            s->kimg, image->width * times, image->height * times, s->kimg);
    tr_html_put(page, rows);
    fputs("\" src=\"data:image/png;base64,", page);
    fputs(text, page);
    fputs("\"/></figure>\n", page);
    free(text);
    return NN_OK;
}

/* Only memory that is out ends the report. */
static nn_status put_sheet(FILE *page, const char *run, const struct sheet *s, int width_max,
                           const char *rows, struct nn_error *err)
{
    char path[PATH_MAX];
    struct nn_image image = {0}, small = {0};
    struct nn_error problem;
    snprintf(path, sizeof path, "%s/%s", run, s->name);
    nn_status status = nn_png_read(path, &image, &problem);
    if (status == NN_OK && image.depth != 8)
        status = nn_fail(&problem, NN_ERR_FORMAT, "it has %d bits", image.depth);
    if (status == NN_OK) status = shrink(&image, width_max, &small, &problem);
    if (status == NN_OK) status = put_image(page, s, &small, rows, &problem);
    nn_image_release(&image);
    nn_image_release(&small);
    if (status == NN_OK) return NN_OK;
    if (status == NN_ERR_MEMORY) return nn_fail(err, status, "%s", problem.text);
    put_problem(page, s, problem.text);
    return NN_OK;
}

nn_status tr_report_put_sheets(FILE *page, const char *run, const char *rows, struct nn_error *err)
{
    struct sheet *sheets;
    int count;
    nn_status status = list_sheets(run, &sheets, &count, err);
    if (status == NN_OK && count == 0) fputs("<p>There are none yet.</p>\n", page);
    if (status == NN_OK && count > 0)
        status = put_sheet(page, run, &sheets[count - 1], NEWEST_WIDTH_MAX, rows, err);
    int earlier = count - 1, shown = earlier < SHEETS_MAX - 1 ? earlier : SHEETS_MAX - 1;
    if (status == NN_OK && shown > 0) {
        fprintf(page, "<h3>Before that</h3>\n<p>%d of %d earlier sheets.</p>\n<div class=\"sheets\">\n",
                shown, earlier);
        for (int i = 0; i < shown && status == NN_OK; i++) {
            int index = shown > 1 ? (int)((long)i * (earlier - 1) / (shown - 1)) : 0;
            status = put_sheet(page, run, &sheets[index], EARLIER_WIDTH_MAX, rows, err);
        }
        fputs("</div>\n", page);
    }
    free(sheets);
    return status;
}
