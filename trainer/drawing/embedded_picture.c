#include "trainer/drawing/embedded_picture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base64.h"
#include "engine/file.h"
#include "trainer/drawing/html_text.h"

enum { PAGE_WIDTH = 960 };

#define PICTURE_BYTES_MAX ((size_t)16 << 20)

/* Its kind, by how it begins; NULL for neither. */
static const char *kind_of(const uint8_t *bytes, size_t size)
{
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) return "image/png";
    if (size >= 5 && (memcmp(bytes, "<svg ", 5) == 0 || memcmp(bytes, "<?xml", 5) == 0))
        return "image/svg+xml";
    return NULL;
}

/* A PNG that is wider than a page: it is shown as it is, and scrolls. */
static bool is_wide(const uint8_t *bytes, size_t size)
{
    if (size < 24 || bytes[0] != 0x89) return false;
    return ((unsigned)bytes[16] << 24 | (unsigned)bytes[17] << 16 | (unsigned)bytes[18] << 8 | bytes[19]) >
           PAGE_WIDTH;
}

static void put_problem(FILE *page, const char *path, const char *why)
{
    const char *name = strrchr(path, '/');
    fputs("<p class=\"problem\">", page);
    tr_html_put(page, name ? name + 1 : path);
    fputs(" cannot be shown: ", page);
    tr_html_put(page, why);
    fputs("</p>\n", page);
}

nn_status tr_html_put_picture(FILE *page, const char *path, const char *words, struct nn_error *err)
{
    uint8_t *bytes;
    size_t size;
    struct nn_error problem;
    nn_status status = nn_file_read(path, PICTURE_BYTES_MAX, &bytes, &size, &problem);
    if (status == NN_ERR_MEMORY) return nn_fail(err, status, "%s", problem.text);
    const char *kind = status == NN_OK ? kind_of(bytes, size) : NULL;
    if (!kind) {
        put_problem(page, path, status == NN_OK ? "it is neither PNG nor SVG" : problem.text);
        if (status == NN_OK) free(bytes);
        return NN_OK;
    }
    char *text = malloc(NN_BASE64_TEXT(size));
    if (!text) {
        free(bytes);
        return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    }
    bool large = is_wide(bytes, size);
    nn_base64(bytes, size, text);
    free(bytes);
    fputs("<figure><figcaption>", page);
    tr_html_put(page, words);
    fputs("</figcaption><section class=\"wide\" tabindex=\"0\" aria-label=\"", page);
    tr_html_put(page, words);
    fprintf(page, "\"><img%s alt=\"",
            large                       ? " class=\"large\""
            : strcmp(kind, "image/png") ? " class=\"drawn\""
                                        : "");
    tr_html_put(page, words);
    fprintf(page, "\" src=\"data:%s;base64,", kind);
    fputs(text, page);
    fputs("\"/></section></figure>\n", page);
    free(text);
    return NN_OK;
}
