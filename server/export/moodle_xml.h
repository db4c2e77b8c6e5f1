/* A deck's images as questions for Moodle ("Moodle XML", the format of its question bank): one question of
 * the kind true/false for each image, which comes with it as a file in base64. Text goes through escapes for
 * HTML and XML. What a student may see before answering - question, name and size of the file - is the same
 * for every truth and source. Failures to write stay in the FILE. */
#ifndef SRV_MOODLE_XML_H
#define SRV_MOODLE_XML_H

#include <stdio.h>

#include "server/blob.h"
#include "server/decks/deck.h"

struct srv_moodle_image {
    int n;                  /* 1 .. deck->items */
    int truth;              /* DECK_NO or DECK_YES */
    const char *class_name; /* that the truth is taken from */
    const char *origin;     /* a sentence for after the answer: where the image is from */
    const struct srv_blob *png;
};

/* The beginning of the file, with the category of the question bank: the deck's title. */
void srv_moodle_head(FILE *out, const struct srv_deck *deck);
/* False when memory ran out. */
bool srv_moodle_question(FILE *out, const struct srv_deck *deck,
                         const struct srv_moodle_image *image) NN_MUST_CHECK;
void srv_moodle_end(FILE *out);

#endif
