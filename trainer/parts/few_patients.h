/* A warning to stand beside intervals of few patients (engine/bootstrap.h has the figures). */
#ifndef TR_FEW_PATIENTS_H
#define TR_FEW_PATIENTS_H

/* How many patients the test has with the finding, and without it, NAN: not known. NULL: enough. */
const char *tr_few_patients_warning(double with, double without);

#endif
