/* A picture's file inside a page, as base64, so that the page needs no other file. */
#ifndef TR_EMBEDDED_PICTURE_H
#define TR_EMBEDDED_PICTURE_H

#include <stdio.h>

#include "engine/error.h"

/* A figure with the file at `path`, PNG or SVG of at most 16 MiB, with `words` as caption and alternative
 * text. It scrolls where it is wider than the page: class "large" is a PNG at its own size, "drawn" an SVG,
 * whose letters must not shrink with the page. An SVG is put in as an image, so that nothing in it runs. For
 * a file that is missing or neither, its name and what is wrong stand there instead. NN_ERR_MEMORY. */
nn_status tr_html_put_picture(FILE *page, const char *path, const char *words,
                              struct nn_error *err) NN_MUST_CHECK;

#endif
