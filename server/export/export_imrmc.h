/* The ratings of one deck, or of one phase of a study, for programs that analyse readers x cases (iMRMC,
 * RJafroc): an archive of answers.imrmc, of the keys to its numbers, readers.csv and cases.csv, and of
 * README.txt.
 *
 * "Modality" can mean two things in a study of teaching, so a study has two files, named for theirs:
 * by-source.imrmc, where it is what was read, images of a network or of a library; and
 * by-arm_iMRMC-only.imrmc, where it is the arm that the reader was trained in. There each reader has read one
 * modality alone, which iMRMC takes and RJafroc does not. */
#ifndef SRV_EXPORT_IMRMC_H
#define SRV_EXPORT_IMRMC_H

#include <stdbool.h>
#include <stdio.h>

#include "server/store/results/store_export.h"

enum { EXPORT_REFUSAL_TEXT = 200 };

/* Writes what both programs can read: integers for readers and cases, exact counts, no blank line, every
 * reader has rated every case. The filter names one deck, or a study and a phase. Readers who have not rated
 * all of its cases, or had answered them before in another session of the deck, are left out, and readers.csv
 * says so. When that leaves fewer than two readers, or the cases fewer than two of either truth, `refusal`
 * says why (it is "" else) and nothing is to be used. False: refused, or not written, as srv_package_write.
 * Goes through the rows three times. */
bool srv_imrmc_write(struct srv_export_log *log, FILE *spool, const char *folder,
                     char refusal[EXPORT_REFUSAL_TEXT]);

#endif
