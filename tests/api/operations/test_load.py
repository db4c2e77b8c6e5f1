"""The load generator of tests/bench against the real daemon, small: it must count what happens, and rightly."""

import http.server
import json
import os
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import BUILD, DaemonTest, deck  # noqa: E402

PROGRAM = os.path.join(BUILD, "tests/bench/load_learners")


def play(port, **options):
    flags = [text for name, value in options.items() for text in ("--" + name.replace("_", "-"), str(value))]
    done = subprocess.run([PROGRAM, "--port", str(port), *flags], stdout=subprocess.PIPE, check=True, timeout=120)
    return json.loads(done.stdout)


class Garbage(http.server.BaseHTTPRequestHandler):
    """Answers every GET with what is neither a page nor JSON, every POST with 500."""

    protocol_version = "HTTP/1.1"

    def reply(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"garbage")

    def do_GET(self):
        self.reply(200)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(500)

    def log_message(self, *_):
        pass


class LoadGeneratorTest(DaemonTest):
    decks = [deck(items=2)]

    def answers(self):
        return len(self.daemon.rows("SELECT 1 FROM answers"))

    def test_learners_see_no_error_and_every_answer_acknowledged_is_a_row(self):
        before = self.answers()
        report = play(self.daemon.port, learners=5, items=2, ramp=0, read=0, feedback=0, atlas=20, limit=60)
        self.assertEqual(report["errors"], {})
        self.assertEqual((report["finished"], report["unfinished"], report["acknowledged"]), (5, 0, 10))
        self.assertEqual(self.answers() - before, 10)
        counts = {kind: seen["count"] for kind, seen in report["ms"].items()}
        self.assertEqual([counts[kind] for kind in ("page", "session", "first image", "image", "answer", "summary")],
                         [5, 5, 5, 5, 10, 5])

    def test_answers_alone_are_rows_too(self):
        before = self.answers()
        report = play(self.daemon.port, answers=6, pens=3)
        self.assertEqual((report["errors"], report["acknowledged"]), ({}, 12))
        self.assertEqual(self.answers() - before, 12)

    def test_wrong_replies_are_counted_by_kind(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Garbage)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            report = play(server.server_port, learners=1, items=1, ramp=0, read=0, feedback=0, limit=3)
        finally:
            server.shutdown()
            server.server_close()
        self.assertEqual(report["finished"], 0)
        self.assertEqual(report["errors"]["list: not JSON"], 2)
        self.assertEqual(report["errors"]["list: no model"], 1)
        self.assertEqual(report["errors"]["sample: not a PNG"], 1)
        self.assertGreater(report["errors"]["session: status 500"], 0)

    def test_a_server_that_is_not_there_is_an_error(self):
        report = play(1, learners=1, items=1, ramp=0, limit=2)
        self.assertEqual(list(report["errors"]), ["file: refused connection"])


if __name__ == "__main__":
    unittest.main()
