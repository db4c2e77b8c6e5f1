/* What stands beside the rows in the package: descriptions of the data set in the words of three standards,
 * made from srv_export_columns and from what the log is of. Each is new text (heap), NULL when memory ran
 * out. */
#ifndef SRV_EXPORT_DOCUMENTS_H
#define SRV_EXPORT_DOCUMENTS_H

#include <stdio.h>

#include "server/store/results/store_export.h"

/* Where the rows are. */
#define PACKAGE_TASK "hip"
#define PACKAGE_DATA "data/task-" PACKAGE_TASK "_data"

/* dataset_description.json: BIDS' keys (Name, BIDSVersion, DatasetType, GeneratedBy) and Psych-DS' JSON-LD
 * (@context, @type, name, description, variableMeasured) in one object. The two name different things
 * differently, by capitals, so nothing of either is left out. */
char *srv_document_description(const struct srv_export_log *log);
/* datapackage.json, Data Package 2.1. */
char *srv_document_datapackage(const struct srv_export_log *log);
/* The sidecar of all sub-NNNN/beh/ files, by BIDS' rule of inheritance. */
char *srv_document_beh(const struct srv_export_log *log);
char *srv_document_participants(const struct srv_export_log *log);

/* Of a study: its definition, the texts of consent by their versions, and its decks. */
char *srv_document_study(const struct srv_export_log *log);
char *srv_document_consent_texts(struct srv_export_log *log);
char *srv_document_decks(struct srv_export_log *log);

/* Writes the same for people. */
void srv_document_codebook_csv(FILE *out, const struct srv_export_log *log);
void srv_document_codebook(FILE *out, const struct srv_export_log *log);
void srv_document_readme(FILE *out, const struct srv_export_log *log);

#endif
