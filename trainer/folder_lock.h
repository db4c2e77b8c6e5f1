/* A folder for one process at a time. */
#ifndef TR_FOLDER_LOCK_H
#define TR_FOLDER_LOCK_H

#include "engine/error.h"

/* Locks the folder itself, so that no lock file is left behind. *lock is its descriptor; closing it, or the
 * end of the process, unlocks. NN_ERR_ARGUMENT: another process has it; the text is "FOLDER: another WHAT",
 * where `what` is for instance "process is writing this data set". NN_ERR_IO. On failure *lock is -1. */
nn_status tr_folder_lock(const char *folder, const char *what, int *lock, struct nn_error *err) NN_MUST_CHECK;

/* The same, but waits while another process has it. NN_STOPPED after a signal (trainer/interrupt.h). */
nn_status tr_folder_wait(const char *folder, int *lock, struct nn_error *err) NN_MUST_CHECK;

#endif
