/* A picture's file inside a page, as base64, so that the page needs no other file. */
#ifndef TR_EMBEDDED_PICTURE_H
#define TR_EMBEDDED_PICTURE_H

#include <stdio.h>

#include "engine/error.h"

/* A figure with the file at `path`, PNG or SVG of at most 16 MiB, and `words` as caption and alternative
 * text, which scrolls where it is wider than the page: class "large", a PNG that is shown as large as it is;
 * "drawn", an SVG, whose letters must not shrink with the page. As an image, so that nothing in it runs. Of a file that is missing or neither, its name and what is
 * wrong instead. NN_ERR_MEMORY. */
nn_status tr_html_put_picture(FILE *page, const char *path, const char *words,
                              struct nn_error *err) NN_MUST_CHECK;

#endif
