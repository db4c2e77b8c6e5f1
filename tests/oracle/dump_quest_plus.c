/* Runs a staircase for test_quest_plus.py and prints its numbers.
 *
 *   dump_quest_plus LOW HIGH STRENGTHS THRESHOLDS GUESS SLOPE,SLOPE,... LAPSE,LAPSE,... ANSWERS
 *
 * ANSWERS is a text of 1 and 0. Before each answer, and once after the last: a line with the strength to ask
 * at, the threshold's estimate and interval, and the expected entropy at each strength. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/decks/quest_plus.h"

static int read_list(char *text, double *values, int max)
{
    int count = 0;
    for (char *part = strtok(text, ","); part && count < max; part = strtok(NULL, ","))
        values[count++] = atof(part);
    return count;
}

static void print(const struct srv_quest_plus *q, const struct srv_quest_settings *s)
{
    struct srv_quest_estimate e = srv_quest_plus_threshold(q);
    printf("%.17g %.17g %.17g %.17g", srv_quest_strength(s, srv_quest_plus_next(q)), e.value, e.low, e.high);
    for (int i = 0; i < s->strengths; i++) printf(" %.17g", srv_quest_plus_expected_entropy(q, i));
    printf("\n");
}

int main(int argc, char **argv)
{
    if (argc != 9) return 2;
    struct srv_quest_settings s = {.low = atof(argv[1]),
                                   .high = atof(argv[2]),
                                   .strengths = atoi(argv[3]),
                                   .thresholds = atoi(argv[4]),
                                   .guess = atof(argv[5])};
    s.slope_count = read_list(argv[6], s.slopes, QUEST_SLOPES_MAX);
    s.lapse_count = read_list(argv[7], s.lapses, QUEST_LAPSES_MAX);
    struct srv_quest_plus *q = srv_quest_plus_new(&s);
    if (!q) return 1;
    print(q, &s);
    for (const char *answer = argv[8]; *answer; answer++) {
        srv_quest_plus_answer(q, srv_quest_plus_next(q), *answer == '1');
        print(q, &s);
    }
    srv_quest_plus_free(q);
    return 0;
}
