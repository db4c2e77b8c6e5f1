/* Which arm somebody is put into: permuted blocks of random size, for each stratum apart. A pure function of
 * the recorded seed, so that the whole list can be made again, and known to nobody who lacks the seed. */
#ifndef SRV_ALLOCATION_H
#define SRV_ALLOCATION_H

#include <stdint.h>

#include "server/studies/study.h"

/* The stratum's text and number by the chosen places, strata many: choices[i] is one of stratum i. */
int srv_stratum(const struct srv_study *study, const int *choices, char text[STUDY_STRATUM_TEXT]);

/* The arm of participant n, from 0, of that stratum. Each block is drawn by the words of its own stream of
 * Philox 4x32-10: its size, one of study->blocks alike, then its order (Fisher and Yates). In each whole
 * block the arms have their weights, so that two of equal weight never differ by more than half the largest
 * block. */
int srv_allocation(const struct srv_study *study, uint64_t seed, int stratum, int64_t n);

#endif
