/* One request of somebody who takes part in a study, or may: who it is, and where in the study. Nothing of it
 * tells the arm, what images are drawn from, or the truth of a test. */
#ifndef SRV_PARTICIPANT_VISIT_H
#define SRV_PARTICIPANT_VISIT_H

#include "server/api/api.h"
#include "server/store/studies/store_participants.h"
#include "server/studies/phases.h"

/* Some 75 kB. */
struct api_visit {
    struct srv_store_study study;
    int64_t learner_id;
    struct srv_participant participant;
};

/* Each of these returns false with the error in `response`. */

/* The route's study; 404, also for a draft. */
bool api_visit_study(struct srv_app *app, const struct srv_request *request, struct srv_store_study *study,
                     struct srv_response *response);
/* Study and learner; 401, 404. */
bool api_visit_begin(struct srv_app *app, const struct srv_request *request, struct api_visit *visit,
                     struct srv_response *response);
/* And what the participant has done; 404. */
bool api_visit_begin_as_participant(struct srv_app *app, const struct srv_request *request,
                                    struct api_visit *visit, struct srv_response *response);
/* Looks the participant up, again; 404. */
bool api_visit_participant(struct srv_app *app, struct api_visit *visit, struct srv_response *response);

enum api_stage {
    STAGE_CONSENT,
    STAGE_WAITS,
    STAGE_OPEN,
    STAGE_QUESTIONS,
    STAGE_FINISHED,
    STAGE_STOPPED,
    STAGE_OVER,
};

/* *phase is the one that is open or waited for, phase_count when all are over. */
enum api_stage api_visit_stage(const struct api_visit *visit, struct srv_phase_at phases[STUDY_PHASES_MAX],
                               int *phase);

/* New references. */
json_t *api_study_consent_json(const struct srv_store_study *study);
json_t *api_study_about_json(const struct srv_store_study *study);

/* The participant as it is now, looked up again. */
void api_visit_respond(struct srv_app *app, struct api_visit *visit, int success,
                       struct srv_response *response);
void api_visit_respond_consent_changed(struct srv_response *response);
void api_visit_respond_over(struct srv_response *response);

#endif
