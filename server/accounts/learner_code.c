#include "server/accounts/learner_code.h"

#include <string.h>

#include "engine/sha256.h"

enum { LETTERS = 16, GROUP = 4 };

static const char alphabet[] = "BCDFGHJKLMNPQRSTVWXZ";

static char random_letter(void)
{
    return alphabet[srv_random_below(sizeof alphabet - 1)];
}

void srv_learner_code_make(char code[LEARNER_CODE_TEXT])
{
    char *at = code;
    for (int i = 0; i < LETTERS; i++) {
        if (i > 0 && i % GROUP == 0) *at++ = '-';
        *at++ = random_letter();
    }
    *at = '\0';
}

void srv_participant_code_make(char code[PARTICIPANT_CODE_TEXT])
{
    for (int i = 0; i < PARTICIPANT_CODE_TEXT - 1; i++) code[i] = random_letter();
    code[PARTICIPANT_CODE_TEXT - 1] = '\0';
}

bool srv_learner_code_hash(const char *text, char sha256[SRV_DIGEST_TEXT])
{
    char letters[LETTERS];
    int count = 0;
    for (; *text; text++) {
        if (*text == '-' || *text == ' ') continue;
        char letter = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        if (count == LETTERS || !strchr(alphabet, letter)) return false;
        letters[count++] = letter;
    }
    if (count < LETTERS) return false;
    nn_sha256_hex(letters, LETTERS, sha256);
    return true;
}
