#include "server/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "server/clock.h"

enum { LINE_TEXT = 1100, SLOW_US = 1000000 };
enum kind { EVENT, FAILURE, REFUSED, SLOW, REQUEST, KINDS };

static const char *const kind_names[KINDS] = {"event", "failure", "refused", "slow", "request"};

/* Per kind, in the second that began at second_us on the steady clock. */
static struct {
    int64_t second_us;
    int lines;
    uint64_t left_out; /* not yet told */
} budgets[KINDS];
static _Thread_local const char *about;
static uint64_t left_out_ever;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* One call: stdio locks the stream, lines stay whole. */
static void write_line(const char *level, const char *text)
{
    char time[SRV_TIME_TEXT];
    srv_clock_format(srv_clock_utc_ms(), time);
    fprintf(stderr, "time=%s level=%s %s\n", time, level, text);
}

static void tell_left_out(enum kind kind, uint64_t lines)
{
    char text[96];
    snprintf(text, sizeof text, "msg=\"lines were left out\" kind=%s lines=%llu", kind_names[kind],
             (unsigned long long)lines);
    write_line("warn", text);
}

/* Whether a line of this kind may be written now. */
static bool within_budget(enum kind kind)
{
    uint64_t told = 0;
    int64_t now_us = srv_clock_monotonic_us();
    pthread_mutex_lock(&lock);
    if (now_us - budgets[kind].second_us >= 1000000) {
        told = budgets[kind].left_out;
        budgets[kind].second_us = now_us;
        budgets[kind].lines = 0;
        budgets[kind].left_out = 0;
    }
    bool within = budgets[kind].lines++ < LOG_LINES_PER_S;
    if (!within) {
        budgets[kind].left_out++;
        left_out_ever++;
    }
    pthread_mutex_unlock(&lock);
    if (told) tell_left_out(kind, told);
    return within;
}

uint64_t srv_log_suppressed(void)
{
    pthread_mutex_lock(&lock);
    uint64_t lines = left_out_ever;
    pthread_mutex_unlock(&lock);
    return lines;
}

/* Nothing in a text can end the quotes or the line. */
static void quote(char *line, size_t room, const char *text)
{
    size_t used = (size_t)snprintf(line, room, "msg=\"");
    for (; *text && used + 4 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') line[used++] = '\\';
        line[used++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    memcpy(line + used, "\"", 2);
}

static void log_text(const char *level, enum kind kind, const char *format, va_list args)
{
    char text[LINE_TEXT - 100], line[LINE_TEXT];
    if (!within_budget(kind)) return;
    vsnprintf(text, sizeof text, format, args);
    size_t used = about ? (size_t)snprintf(line, sizeof line, "id=%s ", about) : 0;
    quote(line + used, sizeof line - used, text);
    write_line(level, line);
}

void srv_log_about(const char *id)
{
    about = id;
}

void srv_log(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_text("info", EVENT, format, args);
    va_end(args);
}

void srv_log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_text("error", FAILURE, format, args);
    va_end(args);
}

static const char *known_method(const char *method)
{
    static const char *const known[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(method, known[i])) return known[i];
    return "other";
}

static enum kind kind_of(const struct srv_log_request *request)
{
    if (request->status == 429 || request->status == 503) return REFUSED;
    if (request->status >= 500 && request->status != 501) return FAILURE;
    return request->duration_us >= SLOW_US ? SLOW : REQUEST;
}

void srv_log_request(const struct srv_log_request *request)
{
    char line[400];
    enum kind kind = kind_of(request);
    if (!within_budget(kind)) return;
    int used = snprintf(line, sizeof line, "id=%s method=%s route=%s status=%d ms=%.1f", request->id,
                        known_method(request->method), request->route, request->status,
                        (double)request->duration_us / 1e3);
    if (request->bytes >= 0)
        used += snprintf(line + used, sizeof line - (size_t)used, " bytes=%lld", (long long)request->bytes);
    if (request->error) snprintf(line + used, sizeof line - (size_t)used, " error=%s", request->error);
    write_line(kind == FAILURE ? "error" : kind == REQUEST ? "info" : "warn", line);
}
