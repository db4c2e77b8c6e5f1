"""Exports of all answers, as the operator fetches them."""

import sqlite3

CSV, JSONL, ZIP = (f"/api/v1/export/{name}" for name in ("responses.csv", "responses.jsonl", "package.zip"))


def fetch(daemon, path, status=200):
    answer = daemon.get(path, daemon.admin_token())
    assert answer.status == status, answer.body[:300]
    return answer


def copy_sessions(path, count):
    """Sessions 1 to `count`, each a copy of the first one with its items and answers."""
    connection = sqlite3.connect(path)
    with connection:
        first = connection.execute("SELECT id FROM sessions LIMIT 1").fetchone()[0]
        for name, key, columns in (
                ("sessions", "id", "secret_sha256, deck_version_id, server_version, created_at"),
                ("session_models", "session_id", "place, model_id"),
                ("items", "session_id", "n, class, seed, strength, truncation, image_sha256"),
                ("answers", "session_id", "item, key, choice, confidence, rating, correct, response_ms, received_at")):
            more, value = (", image", ", printf('%044x%04x', k, n)") if name == "items" else ("", "")
            connection.execute(f"WITH RECURSIVE copy (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copy WHERE k < ?)"
                               f" INSERT INTO {name} ({key}, {columns}{more})"
                               f" SELECT printf('%032x', k), {columns}{value} FROM copy, {name} WHERE {key} = ?",
                               (count, first))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
