"""A study's rows, written beside the daemon: for tests of what comes of a study, which need arms, answers and days
of their own choice. The sessions in it are real ones."""

import hashlib
import json
import sqlite3

from daemon import Learner, deck_of

DECKS = [
    deck_of(name, items=items, draw=draw, feedback=feedback)
    for name, items, draw, feedback in (("exam", 6, {"mode": "fixed", "seed": "5"}, "none"),
                                        ("practice", 4, {"mode": "fresh"}, "truth"))]

DEFINITION = {
    "format": 1, "id": "trial", "title": "Hips by two ways", "contact": "who@example.org",
    "consent": {"text": "I take part."}, "practice_deck": None, "blocks": [4],
    "strata": [{"id": "site", "label": "Where?", "choices": [{"id": "north", "label": "North"}, {"id": "south", "label": "South"}]}],
    "arms": [{"id": "gan", "label": "Drawn", "deck": "practice", "weight": 1}, {"id": "real", "label": "Real", "deck": "practice", "weight": 1}],
    "phases": [{"id": "pre", "kind": "test", "deck": "exam", "opens_after_days": 0, "closes_after_days": 1},
               {"id": "train", "kind": "training", "opens_after_days": 0, "closes_after_days": 7},
               {"id": "post", "kind": "test", "deck": "exam", "opens_after_days": 0, "closes_after_days": 7}],
    "questions": [{"id": "guess", "text": "Which images did you train with?", "kind": "choice",
                   "choices": [{"id": "drawn", "label": "Drawn ones"}, {"id": "real", "label": "Real ones"}]},
                  {"id": "remark", "text": "Anything else?", "kind": "text"}],
}


class StudyRows:
    """An open study and those who take part in it."""

    def __init__(self, daemon, name="trial", **changes):
        self.daemon, self.name, self.count = daemon, name, 0
        self.definition = {**DEFINITION, "id": name, **changes}
        with self.write() as db:
            self.id = db.execute("INSERT INTO studies (name, state, seed, created_at, opened_at) VALUES (?, 'open', '1', ?, ?)",
                                 (name, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z")).lastrowid
            db.execute("INSERT INTO study_versions (study_id, version, definition, created_at) VALUES (?, 1, ?, ?)",
                       (self.id, json.dumps(self.definition, sort_keys=True), "2026-01-01T00:00:00.000Z"))
            text = self.definition["consent"]["text"]
            db.execute("INSERT INTO consent_texts (study_id, version, text, sha256, created_at) VALUES (?, 1, ?, ?, ?)",
                       (self.id, text, hashlib.sha256(text.encode()).hexdigest(), "2026-01-01T00:00:00.000Z"))

    def write(self):
        db = sqlite3.connect(self.daemon.db, timeout=30)
        db.execute("PRAGMA foreign_keys = ON")
        return _Closing(db)

    def enrol(self, arm, stratum="north", enrolled_at="2026-01-02T00:00:00.000Z"):
        """The new participant's code."""
        self.count += 1
        code = hashlib.sha256(f"{self.name} {self.count}".encode()).hexdigest()[:8]
        with self.write() as db:
            learner = db.execute("INSERT INTO learners (code_sha256, created_at) VALUES (?, ?)",
                                 (hashlib.sha256(code.encode()).hexdigest(), enrolled_at)).lastrowid
            who = db.execute("INSERT INTO participants (study_id, code, arm, stratum, allocation_n, enrolled_at) VALUES (?, ?, ?, ?, ?, ?)",
                             (self.id, code, arm, stratum, self.count, enrolled_at)).lastrowid
            db.execute("INSERT INTO study_participants (participant_id, study_id, learner_id) VALUES (?, ?, ?)", (who, self.id, learner))
            db.execute("INSERT INTO consents (learner_id, consent_text_id, agreed, at) SELECT ?, id, 1, ? FROM consent_texts WHERE study_id = ?",
                       (learner, enrolled_at, self.id))
        return code

    def read(self, code, phase, deck, rate=None, days=0, finish=True, **context):
        """A session of that phase; rate(n, truth) gives (choice, confidence). Answers arrive that many days after
        enrolment. Returns the session."""
        learner = Learner(self.daemon, deck)
        items = self.daemon.rows("SELECT n, truth FROM items WHERE session_id = ? ORDER BY n", learner.id)
        for item in items if finish else items[:-1]:
            choice, confidence = (rate or (lambda n, truth: (truth, 3)))(item["n"], item["truth"])
            answer = learner.answer(item["n"], choice, confidence, response_ms=1000 + item["n"], **context)
            assert answer.status == 201, answer.body
        with self.write() as db:
            who, enrolled = db.execute("SELECT id, enrolled_at FROM participants WHERE code = ?", (code,)).fetchone()
            at = db.execute("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?, ?)", (enrolled, f"{days} days")).fetchone()[0]
            db.execute("INSERT INTO participant_sessions (session_id, participant_id, phase, tests, finished_at) VALUES (?, ?, ?, ?, ?)",
                       (learner.id, who, phase, phase != "train", at if finish else None))
            db.execute("UPDATE answers SET received_at = ? WHERE session_id = ?", (at, learner.id))
            db.execute("UPDATE sessions SET created_at = ? WHERE id = ?", (at, learner.id))
        return learner

    def say(self, code, **answers):
        with self.write() as db:
            for question, answer in answers.items():
                db.execute("INSERT INTO participant_answers (participant_id, question, answer) SELECT id, ?, ? FROM participants WHERE code = ?",
                           (question, answer, code))

    def end(self, code, how):
        with self.write() as db:
            db.execute("UPDATE participants SET ended_how = ?, ended_at = enrolled_at WHERE code = ?", (how, code))


class _Closing:
    """A connection that commits and closes at the end of a with-block."""

    def __init__(self, db):
        self.db = db

    def __enter__(self):
        return self.db

    def __exit__(self, *failure):
        if failure[0] is None:
            self.db.commit()
        self.db.close()
