/* A study's flow: everybody in one place of each phase. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/api/results/study_flow.h"

enum { DAY_MS = 86400000, START_MS = 1000 };

/* A test for a day after enrolment, then a training for a week. */
static struct srv_study two_phases(void)
{
    return (struct srv_study){
        .id = "trial",
        .arms = {{.id = "gan", .weight = 1}, {.id = "gan-2", .weight = 1}},
        .arm_count = 2,
        .phases = {{.id = "pre", .kind = STUDY_TEST, .closes_after_days = 1},
                   {.id = "train", .kind = STUDY_TRAINING, .closes_after_days = 7}},
        .phase_count = 2,
    };
}

static struct srv_study_person enrolled(int arm)
{
    return (struct srv_study_person){
        .code = "BCDFGHJK", .arm = arm, .stratum = "north", .enrolled_ms = START_MS};
}

/* The one place where the person is. */
static enum srv_flow_place place(const struct srv_study_person *person, int phase, int64_t now_ms)
{
    struct srv_study study = two_phases();
    struct srv_flow flow = {.study = &study, .now_ms = now_ms, .strata = json_object()};
    enum srv_flow_place found = FLOW_PLACES;
    srv_flow_add(&flow, person);
    for (enum srv_flow_place k = 0; k < FLOW_PLACES; k++)
        if (flow.places[phase][person->arm][k]) found = k;
    json_decref(flow.strata);
    return found;
}

static void who_has_time_waits_or_is_under_way(void **state)
{
    (void)state;
    struct srv_study_person p = enrolled(0);
    assert_int_equal(place(&p, 0, START_MS), FLOW_WAITING);
    assert_int_equal(place(&p, 1, START_MS), FLOW_WAITING);
    p.phases[0].started = true;
    assert_int_equal(place(&p, 0, START_MS), FLOW_UNDER_WAY);
}

static void a_closed_window_tells_apart_who_never_started_and_who_did_not_finish(void **state)
{
    (void)state;
    struct srv_study_person p = enrolled(0);
    assert_int_equal(place(&p, 0, START_MS + 2 * DAY_MS), FLOW_NEVER_STARTED);
    p.phases[0].started = true;
    assert_int_equal(place(&p, 0, START_MS + 2 * DAY_MS), FLOW_NOT_FINISHED);
    p.phases[0].record.finished_ms = START_MS + 60000;
    assert_int_equal(place(&p, 0, START_MS + 2 * DAY_MS), FLOW_FINISHED);
    assert_int_equal(place(&p, 1, START_MS + 2 * DAY_MS), FLOW_WAITING);
}

static void who_left_withdrew_from_what_was_not_finished(void **state)
{
    (void)state;
    struct srv_study_person p = enrolled(0);
    p.phases[0] = (struct srv_study_person_phase){.started = true, .record.finished_ms = START_MS + 60000};
    strcpy(p.ended_how, "stop");
    assert_int_equal(place(&p, 0, START_MS + 120000), FLOW_FINISHED);
    assert_int_equal(place(&p, 1, START_MS + 120000), FLOW_WITHDREW);
    strcpy(p.ended_how, "finished");
    assert_int_equal(place(&p, 1, START_MS + 120000), FLOW_WAITING);
}

/* An arm whose id begins as another's has strata of its own. */
static void those_who_had_everything_deleted_are_counted_and_nothing_else(void **state)
{
    (void)state;
    struct srv_study study = two_phases();
    struct srv_flow flow = {.study = &study, .now_ms = START_MS, .strata = json_object()};
    struct srv_study_person first = enrolled(0), second = enrolled(1);
    struct srv_study_gone gone = {.form = "delete", .arm = 1, .phase = -1, .stratum = "south", .count = 2};
    srv_flow_add(&flow, &first);
    srv_flow_add(&flow, &second);
    srv_flow_gone(&flow, &gone);
    strcpy(gone.form, "stop"); /* is among the participants */
    srv_flow_gone(&flow, &gone);
    assert_int_equal(flow.randomised[0], 1);
    assert_int_equal(flow.randomised[1], 3);
    assert_int_equal(flow.places[0][1][FLOW_DELETED], 2);
    json_t *json = srv_flow_json(&flow, "open");
    json_t *arms = json_object_get(json, "arms");
    assert_int_equal(json_integer_value(json_object_get(json, "randomised")), 4);
    assert_int_equal(json_array_size(json_object_get(json_array_get(arms, 0), "strata")), 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(arms, 1), "strata")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "withdrawn"), "delete")), 2);
    json_decref(json);
    json_decref(flow.strata);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_time_waits_or_is_under_way),
        cmocka_unit_test(a_closed_window_tells_apart_who_never_started_and_who_did_not_finish),
        cmocka_unit_test(who_left_withdrew_from_what_was_not_finished),
        cmocka_unit_test(those_who_had_everything_deleted_are_counted_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
