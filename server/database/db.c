#include "server/database/db.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/clock.h"
#include "server/database/db_connection.h"
#include "server/database/db_schema.h"
#include "server/log.h"

/* Why a group commit keeps every promise that a commit per writer kept:
 *
 * 1. One thread at a time has the write connection: the one that write_line_enter let in, until it hands the
 *    connection on in write_line_leave or write_line_pass. `writer`, `group_open` and `wal` are its own.
 * 2. Each writer works inside a savepoint of the group's transaction. What fails in it is undone to its
 *    savepoint, and the other members do not see it.
 * 3. Every writer sleeps or works until its group is closed, those who failed and those who changed nothing
 *    as well: what any of them read may be another member's row, which a failed COMMIT takes back. So
 *    nothing that was seen in a group gets out of db_end before that group is on disk.
 * 4. `kept` is true only if COMMIT returned success, which with WAL and synchronous=FULL is after the log is
 *    flushed. When COMMIT fails, or SQLite has rolled the transaction back by itself (full disk, I/O error,
 *    no memory; it is then in autocommit mode), all members are told DB_UNAVAILABLE and the rest is rolled
 *    back.
 * 5. A reader begins its transaction after the acknowledgement that it must see, thus after that COMMIT, and
 *    SQLite shows it the last commit in the log. */

enum {
    READERS = 4,
    PAGE_BYTES = 4096,
    CHECKPOINT_PAGES = 2000, /* 8 MB: log that is enough to be copied into the file */
    ERASE_TRIES = 10,        /* to empty the log before the writers of the group are told */
    ERASE_TURN_MS = 25,
};

/* Copies the log into the file, so that no COMMIT has to. Its pass holds up nobody, but what is committed
 * meanwhile stays behind, and a log starts over only when all of it has been copied. The next committer
 * therefore copies the rest, a few pages, before it lets the next group begin. */
struct checkpointer {
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool wanted, stop;
    struct db_connection connection;
    atomic_bool rest; /* set after a pass, taken by a committer */
};

struct db {
    struct write_line line;
    struct db_connection writer;
    bool group_open;
    enum { ERASE_NOTHING, ERASE_NOW, ERASE_LATER } erasing; /* what was deleted may be in the log */
    int wal_pages, checkpoint_at; /* of the last commit; when to call the checkpointer */

    pthread_mutex_t mutex;
    pthread_cond_t reader_idle;
    struct db_connection readers[READERS];
    struct db_connection *idle; /* a list of readers */

    struct checkpointer checkpointer;
    struct db_counts counts;
};

/* ---- the log ---- */

/* Returns false when the log could not be copied. That some reader or another checkpoint keeps a part of it
 * from being copied is no failure. */
static bool checkpoint(struct db_connection *connection)
{
    int rc = sqlite3_wal_checkpoint_v2(connection->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY) return true;
    srv_log_error("database: cannot checkpoint: %s", sqlite3_errmsg(connection->handle));
    return false;
}

static void *run_checkpointer(void *context)
{
    struct checkpointer *c = context;
    pthread_mutex_lock(&c->mutex);
    while (!c->stop) {
        if (!c->wanted) {
            pthread_cond_wait(&c->wake, &c->mutex);
            continue;
        }
        c->wanted = false;
        pthread_mutex_unlock(&c->mutex);
        if (checkpoint(&c->connection)) atomic_store(&c->rest, true);
        pthread_mutex_lock(&c->mutex);
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static void call_checkpointer(struct checkpointer *c)
{
    pthread_mutex_lock(&c->mutex);
    c->wanted = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
}

/* SQLite calls this at the end of each COMMIT. */
static int note_wal(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = context;
    (void)handle, (void)name;
    if (pages < db->wal_pages) db->checkpoint_at = CHECKPOINT_PAGES; /* it has started over */
    db->wal_pages = pages;
    atomic_store(&db->counts.wal_bytes, (unsigned long long)pages * PAGE_BYTES);
    return SQLITE_OK;
}

/* Between two groups. What keeps the log is a reader who began before, or the checkpointer's pass. */
static void empty_log(struct db *db)
{
    const struct timespec turn = {.tv_nsec = ERASE_TURN_MS * 1000000};
    int tries = db->erasing == ERASE_NOW ? ERASE_TRIES : 1, rc;
    sqlite3_busy_timeout(db->writer.handle, ERASE_TURN_MS);
    do {
        if (db->erasing == ERASE_NOW && tries < ERASE_TRIES) nanosleep(&turn, NULL);
        rc = sqlite3_wal_checkpoint_v2(db->writer.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    } while ((rc & 0xff) == SQLITE_BUSY && --tries > 0);
    if (rc != SQLITE_OK) {
        if (db->erasing == ERASE_NOW)
            srv_log_error("database: the log cannot be emptied yet: %s", sqlite3_errmsg(db->writer.handle));
        db->erasing = ERASE_LATER;
        return;
    }
    db->erasing = ERASE_NOTHING;
    db->wal_pages = 0;
    db->checkpoint_at = CHECKPOINT_PAGES;
    atomic_store(&db->counts.wal_bytes, 0);
}

/* Between two groups. */
static void tend_log(struct db *db)
{
    if (atomic_exchange(&db->checkpointer.rest, false)) checkpoint(&db->writer);
    if (db->wal_pages < db->checkpoint_at) return;
    db->checkpoint_at = db->wal_pages + CHECKPOINT_PAGES;
    call_checkpointer(&db->checkpointer);
}

/* ---- opening ---- */

static nn_status open_writer(struct db *db, const char *path, struct nn_error *err)
{
    nn_status status = db_connection_open(&db->writer, path, false, err);
    if (!status) status = db_schema_prepare(&db->writer, path, err);
    if (!status) status = db_connection_set_up(&db->writer, path, err);
    if (status) return status;
    db->checkpoint_at = CHECKPOINT_PAGES;
    sqlite3_wal_hook(db->writer.handle, note_wal, db); /* in the place of SQLite's own, which checkpoints */
    return NN_OK;
}

static nn_status open_readers(struct db *db, const char *path, struct nn_error *err)
{
    for (int i = 0; i < READERS; i++) {
        struct db_connection *reader = &db->readers[i];
        nn_status status = db_connection_open(reader, path, true, err);
        if (!status) status = db_connection_set_up(reader, path, err);
        if (status) return status;
        reader->next = db->idle;
        db->idle = reader;
    }
    return NN_OK;
}

static nn_status start_checkpointer(struct checkpointer *c, const char *path, struct nn_error *err)
{
    nn_status status = db_connection_open(&c->connection, path, false, err);
    if (!status) status = db_connection_set_up(&c->connection, path, err);
    if (status) return status;
    c->started = !pthread_create(&c->thread, NULL, run_checkpointer, c);
    return c->started ? NN_OK : nn_fail(err, NN_ERR_IO, "%s: cannot start a thread", path);
}

static void stop_checkpointer(struct checkpointer *c)
{
    if (c->started) {
        pthread_mutex_lock(&c->mutex);
        c->stop = true;
        pthread_cond_signal(&c->wake);
        pthread_mutex_unlock(&c->mutex);
        pthread_join(c->thread, NULL);
    }
    db_connection_close(&c->connection);
}

static nn_status open_all(struct db *db, const char *path, struct nn_error *err)
{
    nn_status status = open_writer(db, path, err);
    if (!status) status = open_readers(db, path, err);
    if (!status) status = start_checkpointer(&db->checkpointer, path, err);
    return status;
}

static nn_status open_to_read(struct db *db, const char *path, struct nn_error *err)
{
    nn_status status = open_readers(db, path, err);
    return status ? status : db_schema_check(db->idle, path, err);
}

static nn_status open_by(nn_status (*way)(struct db *, const char *, struct nn_error *), struct db **out,
                         const char *path, struct nn_error *err)
{
    *out = NULL;
    struct db *db = calloc(1, sizeof *db);
    if (!db) return nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    write_line_init(&db->line);
    pthread_mutex_init(&db->mutex, NULL);
    pthread_cond_init(&db->reader_idle, NULL);
    pthread_mutex_init(&db->checkpointer.mutex, NULL);
    pthread_cond_init(&db->checkpointer.wake, NULL);
    db->counts.groups.scale = HISTOGRAM_COUNT;
    nn_status status = way(db, path, err);
    if (status) {
        db_close(db);
        return status;
    }
    *out = db;
    return NN_OK;
}

nn_status db_open(struct db **db, const char *path, struct nn_error *err)
{
    return open_by(open_all, db, path, err);
}

nn_status db_open_to_read(struct db **db, const char *path, struct nn_error *err)
{
    return open_by(open_to_read, db, path, err);
}

void db_close(struct db *db)
{
    if (!db) return;
    stop_checkpointer(&db->checkpointer);
    for (int i = 0; i < READERS; i++) db_connection_close(&db->readers[i]);
    db_connection_close(&db->writer); /* the last one: copies the log and removes it */
    pthread_cond_destroy(&db->checkpointer.wake);
    pthread_mutex_destroy(&db->checkpointer.mutex);
    pthread_cond_destroy(&db->reader_idle);
    pthread_mutex_destroy(&db->mutex);
    write_line_destroy(&db->line);
    free(db);
}

const struct db_counts *db_counts(const struct db *db)
{
    return &db->counts;
}

/* ---- transactions ---- */

void db_abandon(struct db_transaction *t, enum db_status status)
{
    if (t->status == DB_OK) t->status = status;
}

void db_erase(struct db_transaction *t)
{
    t->db->erasing = ERASE_NOW;
}

/* Runs one of the statements that make a transaction; its failure sticks. */
static bool control(struct db_transaction *t, const char *sql)
{
    if (db_connection_run(t->connection, sql)) return true;
    sqlite3 *handle = t->connection->handle;
    srv_log_error("database: %s: %s", sql, sqlite3_errmsg(handle));
    db_abandon(t, db_connection_classify(handle));
    return false;
}

static bool in_transaction(const struct db_connection *connection)
{
    return !sqlite3_get_autocommit(connection->handle);
}

/* ---- reading ---- */

void db_begin(struct db_transaction *t, struct db *db)
{
    *t = (struct db_transaction){.db = db};
    pthread_mutex_lock(&db->mutex);
    while (!db->idle) pthread_cond_wait(&db->reader_idle, &db->mutex);
    t->connection = db->idle;
    db->idle = t->connection->next;
    pthread_mutex_unlock(&db->mutex);
    control(t, "BEGIN");
}

static enum db_status end_reading(struct db_transaction *t)
{
    struct db *db = t->db;
    if (in_transaction(t->connection)) control(t, "COMMIT");
    pthread_mutex_lock(&db->mutex);
    t->connection->next = db->idle;
    db->idle = t->connection;
    pthread_cond_signal(&db->reader_idle);
    pthread_mutex_unlock(&db->mutex);
    return t->status;
}

/* ---- writing ---- */

/* IMMEDIATE takes the write lock now: a later upgrade could fail half-way through. Whoever has stood in line
 * behind a group that got no lock has waited for that lock too. */
static void open_group(struct db_transaction *t, int64_t until_us)
{
    int64_t left_ms = (until_us - srv_clock_monotonic_us()) / 1000;
    sqlite3_busy_timeout(t->connection->handle, left_ms > 0 ? (int)left_ms : 0);
    t->db->group_open = control(t, "BEGIN IMMEDIATE");
}

void db_begin_write(struct db_transaction *t, struct db *db)
{
    int64_t until_us = srv_clock_monotonic_us() + DB_BUSY_MS * (int64_t)1000;
    *t = (struct db_transaction){.db = db, .writes = true};
    int before = write_line_enter(&db->line, &t->turn);
    t->connection = &db->writer;
    if (before == 0) open_group(t, until_us);
    if (t->status == DB_OK) control(t, "SAVEPOINT member");
}

/* Whether the group still stands with this member's part in it or out of it. */
static bool end_part(struct db_transaction *t)
{
    if (!in_transaction(t->connection)) return false;
    if (t->status == DB_OK && control(t, "RELEASE member")) return true;
    return db_connection_run(t->connection, "ROLLBACK TO member") &&
           db_connection_run(t->connection, "RELEASE member");
}

static bool commit(struct db_transaction *t)
{
    int64_t begun_us = srv_clock_monotonic_us();
    bool kept = db_connection_run(t->connection, "COMMIT");
    if (!kept) srv_log_error("database: COMMIT: %s", sqlite3_errmsg(t->connection->handle));
    srv_histogram_observe(&t->db->counts.commits, srv_clock_monotonic_us() - begun_us);
    return kept;
}

static void close_group(struct db_transaction *t, bool stands)
{
    struct db *db = t->db;
    bool kept = stands && commit(t);
    if (kept && db->erasing) empty_log(db);
    if (in_transaction(t->connection)) control(t, "ROLLBACK");
    db->group_open = false;
    if (!kept) atomic_fetch_add(&db->counts.refused, 1);
    srv_histogram_observe(&db->counts.groups, write_line_tell(&db->line, &t->turn, kept));
    if (kept) tend_log(db);
    write_line_pass(&db->line);
}

static enum db_status end_writing(struct db_transaction *t)
{
    bool stands = t->db->group_open && end_part(t);
    if (!stands || write_line_leave(&t->db->line, &t->turn)) close_group(t, stands);
    if (t->turn.kept) return t->status;
    return t->status == DB_FAILED ? DB_FAILED : DB_UNAVAILABLE;
}

enum db_status db_end(struct db_transaction *t)
{
    return t->writes ? end_writing(t) : end_reading(t);
}
