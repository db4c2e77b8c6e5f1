/* What the report and the model card say of each part of `roentgym evaluate`: its figures out of PART.json as
 * tables of text, what they mean, and where they end. A field that is not there shows as a dash. */
#ifndef TR_SECTIONS_H
#define TR_SECTIONS_H

#include <jansson.h>
#include <stdbool.h>

#include "trainer/drawing/text_table.h"

enum { TR_SECTION_TABLES_MAX = 3, TR_SECTION_PICTURES_MAX = 3, TR_SECTIONS = 7, TR_HEADLINE_RANGE = 48 };

struct tr_headline {
    char name[64], value[64], range[TR_HEADLINE_RANGE], note[160]; /* range: the interval, or "" */
};

struct tr_section {
    const char *part, *title;
    const char *meaning, *limits; /* a sentence each */
    struct {
        const char *file;  /* in the folder, PNG or SVG; NULL: no more */
        const char *words; /* what it shows, for those who do not see it, too */
    } pictures[TR_SECTION_PICTURES_MAX];
    /* Fills tables, at most TR_SECTION_TABLES_MAX; how many. */
    int (*tables)(const json_t *results, struct tr_text_table *tables);
    /* A sentence on what makes the figures worth little, or NULL; it may be missing. */
    const char *(*warning)(const json_t *results);
    /* Fills in the one figure to know, which is zeroed before; false when it is not there. */
    bool (*headline)(const json_t *results, struct tr_headline *headline);
};

extern const struct tr_section tr_sections[TR_SECTIONS]; /* in the order of the report */

#endif
