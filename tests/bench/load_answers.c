/* Answers and nothing else: sessions are started beforehand, then each of `pens` connections sends the
 * answers of its sessions one after another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load_run.h"

enum { ANSWER_TIMEOUT_S = 60, ANSWER_STREAM = 1 << 21 };

struct prepared {
    char id[40], secret[72];
    int items;
};

struct pen {
    struct load_run *run;
    struct load_client client;
    struct nn_rng rng;
    struct prepared *sessions;
    int count, started; /* sessions, and those that exist */
    int at, item;       /* the answer that is sent next */
    char choice[64];
};

static struct pen *pens;

/* ---- before ---- */

static void start_session(struct pen *p);

static void on_session(void *context, int tag, const struct load_reply *reply)
{
    struct pen *p = context;
    struct prepared *s = &p->sessions[p->started];
    const char *id, *secret, *choice;
    (void)tag;
    if (load_expect(p->run, KIND_SESSION, reply, 201)) {
        json_t *json = load_json(p->run, KIND_SESSION, reply);
        if (!json_unpack(json, "{s:{s:s,s:s,s:{s:i,s:[{s:s}]}}}", "session", "id", &id, "secret", &secret,
                         "deck", "items", &s->items, "choices", "id", &choice)) {
            snprintf(s->id, sizeof s->id, "%s", id);
            snprintf(s->secret, sizeof s->secret, "%s", secret);
            snprintf(p->choice, sizeof p->choice, "%s", choice);
            p->started++;
        } else {
            load_error(p->run, "session: wrong fields");
        }
        json_decref(json);
    }
    if (p->started < p->count)
        start_session(p);
    else if (--p->run->running == 0)
        load_loop_stop(p->run->loop);
}

static void start_session(struct pen *p)
{
    load_send(&p->client, "POST /api/v1/sessions HTTP/1.1\r\nContent-Type: application/json\r\n",
              "{\"deck\":\"default\"}", ANSWER_TIMEOUT_S, on_session, p, 0);
}

void load_answers_prepare(struct load_run *run)
{
    int each = (run->set.sessions + run->set.pens - 1) / run->set.pens;
    pens = calloc((size_t)run->set.pens, sizeof *pens);
    if (!pens) abort();
    run->running = run->set.pens;
    for (int i = 0; i < run->set.pens; i++) {
        struct pen *p = &pens[i];
        *p = (struct pen){.run = run, .count = each, .item = 1};
        p->rng = (struct nn_rng){.seed = run->set.seed, .stream = ANSWER_STREAM + (uint64_t)i};
        p->sessions = calloc((size_t)each, sizeof *p->sessions);
        if (!p->sessions) abort();
        load_client_init(&p->client, run->loop, 1);
        start_session(p);
    }
    load_loop_run(run->loop, 120);
}

/* ---- answers ---- */

static void send_answer(struct pen *p);

static void next_answer(void *context)
{
    struct pen *p = context;
    if (p->at < p->started)
        send_answer(p);
    else if (--p->run->running == 0)
        load_loop_stop(p->run->loop);
}

static void on_answer(void *context, int tag, const struct load_reply *reply)
{
    struct pen *p = context;
    int item = 0;
    (void)tag;
    if (!load_expect(p->run, KIND_ANSWER, reply, 201)) {
        load_after(p->run->loop, load_backoff(&p->rng, 0, reply), next_answer, p);
        return;
    }
    json_t *json = load_json(p->run, KIND_ANSWER, reply);
    if (json_unpack(json, "{s:{s:i}}", "answer", "item", &item) || item != p->item)
        load_error(p->run, "answer: wrong fields");
    json_decref(json);
    p->run->acknowledged++;
    if (++p->item > p->sessions[p->at].items) {
        p->item = 1;
        p->at++;
    }
    next_answer(p);
}

static void send_answer(struct pen *p)
{
    struct prepared *s = &p->sessions[p->at];
    char head[512], body[512];
    snprintf(head, sizeof head,
             "POST /api/v1/sessions/%s/answers HTTP/1.1\r\nContent-Type: application/json\r\n"
             "Authorization: Bearer %s\r\n",
             s->id, s->secret);
    snprintf(body, sizeof body,
             "{\"key\":\"%08x-0000-4000-8000-%012x\",\"item\":%d,\"choice\":\"%s\",\"confidence\":2,"
             "\"response_ms\":1500" LOAD_ANSWER_CONTEXT,
             (unsigned)p->at, (unsigned)p->item, p->item, p->choice);
    load_send(&p->client, head, body, ANSWER_TIMEOUT_S, on_answer, p, 0);
}

void load_answers_start(struct load_run *run)
{
    run->running = run->set.pens;
    for (int i = 0; i < run->set.pens; i++) next_answer(&pens[i]);
}
