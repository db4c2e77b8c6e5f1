#include "server/accounts/learner_code.h"

#include <string.h>

#include "engine/sha256.h"

enum { LETTERS = 16, GROUP = 4 };

static const char alphabet[] = "BCDFGHJKLMNPQRSTVWXZ";

void srv_learner_code_make(char code[LEARNER_CODE_TEXT])
{
    char *at = code;
    for (int i = 0; i < LETTERS; i++) {
        if (i > 0 && i % GROUP == 0) *at++ = '-';
        *at++ = alphabet[srv_random_below(sizeof alphabet - 1)];
    }
    *at = '\0';
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
