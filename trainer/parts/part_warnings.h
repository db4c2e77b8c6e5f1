/* What the text of a part and of a report must not leave to the reader to see: sentences, or NULL. */
#ifndef TR_PART_WARNINGS_H
#define TR_PART_WARNINGS_H

/* Intervals of few patients (engine/bootstrap.h has the figures): how many the test has with the finding, and
 * without it. NAN: not known. */
const char *tr_few_patients_warning(double with, double without);

/* A generator of other data, or of the same in another state: its provenance (engine/engine.h) has not the
 * data set's hash. */
const char *tr_other_data_warning(const char *provenance, const char *data_sha256);

/* Images compared in the layers of a network that has hardly learnt: its AUC on the validation part. NAN: not
 * known, as with weights that were given. */
const char *tr_weak_network_warning(double auc);

#endif
