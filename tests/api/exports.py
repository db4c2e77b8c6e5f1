"""Exports of all answers, as the operator fetches them."""

CSV, JSONL, ZIP = (f"/api/v1/export/{name}" for name in ("responses.csv", "responses.jsonl", "package.zip"))


def fetch(daemon, path, status=200):
    answer = daemon.get(path, daemon.admin_token())
    assert answer.status == status, answer.body[:300]
    return answer
