/* Whether the decks of a study are what it needs, and what researchers should know of them. */
#ifndef SRV_STUDY_CHECK_H
#define SRV_STUDY_CHECK_H

#include "server/api/api.h"
#include "server/store/studies/store_studies.h"

/* Looks at every deck that the study names: 422 with the field in `response` when one is not there, or cannot
 * be a test. Appends to `warnings` what does not keep the study from being run. With `opening`, for a study
 * that is about to be opened, also chooses the images of its tests and fills all of it but the seed: 409 when
 * images or models are lacking. opening->test_items is a new reference, also after a failure. */
bool api_study_check(struct srv_app *app, const struct srv_study *study, struct srv_study_opening *opening,
                     json_t *warnings, struct srv_response *response);

#endif
