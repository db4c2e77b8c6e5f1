/* The handlers of the HTTP interface, one api_<resource>.c per resource in the folders beside this file, and
 * what they share. The routes are in routes.c, the interface is described in openapi.json. */
#ifndef SRV_API_H
#define SRV_API_H

#include "server/app.h"
#include "server/http/router.h"
#include "server/store/decks/store_decks.h"
#include "server/store/sessions/store_sessions.h"
#include "server/store/staff/store_accounts.h"

srv_handler api_healthz, api_readyz, api_metrics;
srv_handler api_models, api_model_card;
srv_handler api_sample;
srv_handler api_decks, api_catalogue, api_deck_versions, api_deck_read;
srv_handler api_deck_create, api_deck_save, api_deck_archive, api_deck_restore, api_deck_preview;
srv_handler api_deck_statistics;
srv_handler api_deck_moodle;
srv_handler api_session_create, api_session_read;
srv_handler api_simulated_create, api_truths;
srv_handler api_item, api_image, api_location;
srv_handler api_library, api_library_images, api_library_image;
srv_handler api_answer;
srv_handler api_summary;
srv_handler api_export_csv, api_export_jsonl, api_export_package, api_export_imrmc, api_export_xapi;
srv_handler api_codebook;
srv_handler api_study_export_csv, api_study_export_jsonl, api_study_export_package, api_study_export_imrmc;
srv_handler api_study_export_xapi;
srv_handler api_study_flow, api_study_participants, api_study_withdraw, api_study_statistics;
srv_handler api_login, api_logout, api_me, api_password;
srv_handler api_accounts, api_account_disable, api_account_enable, api_account_role, api_account_reset;
srv_handler api_account_end_sessions;
srv_handler api_invitations, api_invitation_create, api_invitation_revoke;
srv_handler api_invitation_look, api_invitation_use;
srv_handler api_audit;
srv_handler api_learner_create, api_learner_read, api_learner_statistics;
srv_handler api_studies, api_study_create, api_study_read, api_study_save, api_study_versions;
srv_handler api_study_warnings, api_study_open, api_study_consent, api_study_close, api_study_freeze;
srv_handler api_study_invitation, api_participant_enrol, api_participant_read, api_participant_consent;
srv_handler api_participant_session, api_participant_questions, api_participant_withdraw;
srv_handler api_class, api_classes, api_class_create, api_class_close, api_class_results;

extern const struct srv_route api_routes[];
extern const int api_route_count;

/* Answers one request: finds the route, or the page, counts and logs it. `context` is the srv_app. */
void api_serve(void *context, struct srv_request *request, struct srv_response *response);

/* The version that was edited, by `If-Match: "3"`; -1 when it is none. False with 428 when nothing is said.
 */
bool api_if_match(const struct srv_request *request, int *version, struct srv_response *response);

/* ---- accounts ---- */

/* A fresh secret, and what of it is stored. */
void api_secret_new(char secret[SRV_SECRET_TEXT], char sha256[SRV_DIGEST_TEXT]);

/* 200 with the account and its token against forgery, and the cookie. */
void api_respond_logged_in(struct srv_app *app, const struct srv_account *account, const char *secret,
                           struct srv_response *response);

/* What became of a change: 200, 403, 404 or 409. */
void api_respond_account_outcome(enum srv_account_outcome outcome, struct srv_response *response);

/* False with 503 or 500 in `response` unless PASSWORD_RIGHT. */
bool api_password_ok(enum srv_password_result result, struct srv_response *response);

/* The body's `role`; 422. */
bool api_role(const json_t *body, enum srv_role *role, struct srv_response *response);

/* The route's parameter as a row's number; else false, and a number that nothing has. */
bool api_number(const struct srv_request *request, int param, int64_t *id);

/* ---- studies ---- */

/* Records the SHA-256 of what a frozen study exports, package.zip as it is without parameters, unless it is
 * on record. A failure is logged; the next export of the package tries again. */
void api_study_export_record(struct srv_app *app, const char *name);

/* ---- sessions and images ---- */

/* Each of these returns NULL or false with the error in `response`. */

/* Holds the newest version of that model, waiting for it to be loaded; 404, 503. */
struct srv_model *api_model(struct srv_app *app, const char *name, struct srv_response *response);

/* Until when a request waits for a model, and what it says when there is none: 404, 410, 503. */
int64_t api_model_deadline_us(void);
void api_respond_no_model(enum srv_models_result result, struct srv_response *response);

/* Whether the deck cannot be started, by what is known of its models without loading them; `gap` is the
 * sentence that says why, or "". */
enum { DECK_GAP_TEXT = 160 };
bool api_deck_gap(struct srv_app *app, const struct srv_deck *deck, char gap[DECK_GAP_TEXT]);
/* Whether no entry of the deck's list is the same picture as another, under another collection that may have
 * come after the list was saved. Else 422 names the entry: of the deck in the request (`where` is NULL), or
 * of one that a study names in its field `where`. */
bool api_list_check(struct srv_app *app, const struct srv_deck *deck, const char *where,
                    struct srv_response *response);
/* Where there is no image for the item, for those who may know it: as a sentence without its full stop, and
 * as 409. */
void api_images_missing(const struct srv_deck *deck, const struct srv_drawn_item *lacking,
                        char text[DECK_GAP_TEXT]);
void api_respond_images_missing(const struct srv_deck *deck, const struct srv_drawn_item *lacking,
                                struct srv_response *response);

/* The session that the route's first parameter names, if the request carries its secret or the code of the
 * learner whose it is; 401, 404. */
bool api_session(struct srv_app *app, const struct srv_request *request, struct srv_store_session *session,
                 struct srv_response *response);

/* Whether item n, one of the deck's, may be looked at and answered by now; 409. */
bool api_item_open(const struct srv_store_session *session, int n, struct srv_response *response);

/* Which of the session's items the route's second parameter names, from 1; 404. */
bool api_item_number(const struct srv_request *request, const struct srv_store_session *session, int *n,
                     struct srv_response *response);

/* Item n, which was there a moment ago; 404 when its session was withdrawn meanwhile. */
bool api_session_item(struct srv_app *app, const char *session_id, int n, struct srv_store_item *item,
                      struct srv_response *response);

/* A version of a deck, zeroed at first; api_keep_deck fills one from a row. */
struct api_deck_version {
    int64_t id;           /* 0: there is none, or it cannot be read */
    bool archived, tests; /* as in srv_store_deck */
    struct srv_deck deck;
};
srv_store_deck_row api_keep_deck;

/* The newest version of a deck that is not archived; 422, or 409 when only participants of a study get it. */
bool api_deck(struct srv_app *app, const char *name, struct api_deck_version *newest,
              struct srv_response *response);

/* A session as its learner sees it: what it is and which items are answered. New reference. */
json_t *api_session_json(const struct srv_store_session *session);

/* Whose code the request carries; 401. */
bool api_learner_of(struct srv_app *app, const struct srv_request *request, int64_t *id,
                    struct srv_response *response);

/* The learner with that code: *id is 0 when nobody has it, or `code` is NULL. False with 503 or 500 in
 * `response` when the database failed. */
bool api_learner(struct srv_app *app, const char *code, int64_t *id, struct srv_response *response);

/* The query parameter `size`, the resolution when absent; 422 when that size is not served. */
bool api_size(const struct srv_request *request, const struct nn_model_info *model, int *size,
              struct srv_response *response);

/* Puts the image into the response, in the place of what is there; 503 when too many wait for theirs.
 * `urgency` and `client` are the srv_asker's; `*by` gets srv_made's. */
bool api_send_image(struct srv_app *app, const struct srv_image_request *image,
                    enum srv_priority (*urgency)(const void *client), const void *client,
                    const struct nn_model_info **by, struct srv_response *response);

#endif
