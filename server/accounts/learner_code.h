/* Random codes for people: the one by which a learner is known, shown once and kept by the learner alone, and
 * the one that a study's export calls a participant by. */
#ifndef SRV_LEARNER_CODE_H
#define SRV_LEARNER_CODE_H

#include <stdbool.h>

#include "server/secrets.h"

enum {
    LEARNER_CODE_TEXT = 20,    /* "BCDF-GHJK-LMNP-QRST" and the NUL */
    PARTICIPANT_CODE_TEXT = 9, /* "BCDFGHJK" */
};

/* Sixteen of the twenty consonants without Y, which look like no digit and make no words: 69 random bits. */
void srv_learner_code_make(char code[LEARNER_CODE_TEXT]);

/* Eight of the same consonants. Opens nothing. */
void srv_participant_code_make(char code[PARTICIPANT_CODE_TEXT]);

/* The SHA-256 by which a code is found, of its letters alone: lower case, spaces and hyphens do not matter.
 * False for what cannot be a code. */
bool srv_learner_code_hash(const char *text, char sha256[SRV_DIGEST_TEXT]);

#endif
