"""What operators see: metrics, the log, request ids. Nothing of it tells of a learner."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import ROOT, Daemon, DaemonTest, Learner, deck, need_checkpoint  # noqa: E402

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None


class Metrics(DaemonTest):
    decks = [deck(items=3)]

    def families(self):
        return {family.name: family
                for family in text_string_to_metric_families(self.daemon.get("/metrics").body.decode())}

    @unittest.skipUnless(text_string_to_metric_families, "python3-prometheus-client is not installed")
    def test_prometheus_own_parser_reads_them_and_finds_every_family_described(self):
        learner = Learner(self.daemon)
        learner.image(1)
        learner.answer(1)
        self.daemon.get("/none")
        families = self.families()
        for family in families.values():
            self.assertTrue(family.documentation, family.name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), family.name)
            self.assertTrue(family.name.startswith(("roentgymd_", "process_")), family.name)
        for name in ("roentgymd_requests", "roentgymd_errors", "roentgymd_answers", "roentgymd_images_waiting",
                     "roentgymd_batch_images", "roentgymd_image_wait_seconds", "roentgymd_batch_sampling_seconds",
                     "roentgymd_image_encoding_seconds", "roentgymd_image_cache_hits", "roentgymd_connections",
                     "process_resident_memory_bytes"):
            self.assertIn(name, families)

    @unittest.skipUnless(text_string_to_metric_families, "python3-prometheus-client is not installed")
    def test_histograms_grow_with_their_bounds_and_end_at_their_count(self):
        self.daemon.get("/healthz")
        for family in self.families().values():
            if family.type != "histogram":
                continue
            series = {}
            for sample in family.samples:
                labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
                series.setdefault(labels, []).append(sample)
            for labels, samples in series.items():
                buckets = [(float(s.labels["le"]), s.value) for s in samples if s.name.endswith("_bucket")]
                count = [s.value for s in samples if s.name.endswith("_count")]
                self.assertEqual(buckets, sorted(buckets), (family.name, labels))
                self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))
                self.assertEqual(buckets[-1], (float("inf"), count[0]))

    def test_an_answer_an_error_and_an_image_are_counted(self):
        def numbers():
            return (self.daemon.metric("roentgymd_answers_total"),
                    self.daemon.metric("roentgymd_requests_total", 'answers",status="2xx"'),
                    self.daemon.metric("roentgymd_request_seconds_count", "images/{image}"),
                    self.daemon.metric("roentgymd_image_encoding_seconds_count"),
                    self.daemon.metric("roentgymd_errors_total", 'code="unknown_session"'))

        self.daemon.get("/api/v1/sessions/" + "0" * 32)  # the code's line appears with its first error
        before = numbers()
        learner = Learner(self.daemon)
        learner.image(1)
        learner.answer(1)
        self.daemon.get("/api/v1/sessions/" + "0" * 32)
        after = numbers()
        self.assertEqual(after[:3], (before[0] + 1, before[1] + 1, before[2] + 1))
        self.assertGreater(after[3], before[3])
        self.assertEqual(after[4], before[4] + 1)

    def test_clients_cannot_make_lines(self):
        before = self.daemon.get("/metrics").body.count(b"\n")
        for i in range(30):
            self.daemon.request(f"METHOD{i}", f"/path{i}")
            self.daemon.get(f"/api/v1/none{i}?a{i}=1")
        self.assertLess(self.daemon.get("/metrics").body.count(b"\n"), before + 60)
        self.assertNotIn(b"path2", self.daemon.get("/metrics").body)


class Failures(unittest.TestCase):
    def test_what_failed_within_a_request_is_logged_with_its_id(self):
        need_checkpoint()
        daemon = Daemon([deck(items=200)])
        self.addCleanup(daemon.close)
        learner, n = Learner(daemon), 1
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (64 * 1024, hard))  # the log is shorter
        while (answer := learner.answer(n)).status == 201:
            n += 1
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.assertEqual((answer.status, answer.code), (503, "storage_unavailable"))
        lines = lines_of(daemon, answer)
        self.assertEqual(len(lines), 2, lines)
        self.assertRegex(lines[0], r'level=error id=\w+ msg="database: ')
        self.assertRegex(lines[1], r"level=warn .* status=503 .* error=storage_unavailable$")


class Container(unittest.TestCase):
    def test_its_health_check_tells_whether_the_daemon_answers(self):
        need_checkpoint()
        with open(os.path.join(ROOT, "deploy/Containerfile"), encoding="utf-8") as file:
            (command,) = re.findall(r"^HEALTHCHECK [^[]*CMD (\[.*?\])$", file.read().replace("\\\n", ""), re.M)
        daemon = Daemon()
        self.addCleanup(daemon.close)
        command = [word.replace("/8080 ", f"/{daemon.port} ") for word in json.loads(command)]
        status = lambda: subprocess.run(command, stderr=subprocess.DEVNULL).returncode
        self.assertEqual(status(), 0)
        daemon.process.send_signal(signal.SIGSTOP)
        while_it_takes_connections_but_does_not_answer = status()
        daemon.process.send_signal(signal.SIGCONT)
        self.assertEqual(while_it_takes_connections_but_does_not_answer, 1)
        self.assertEqual(subprocess.run([word.replace("/healthz", "/none") for word in command]).returncode, 1)
        daemon.stop()
        self.assertEqual(status(), 1)


def lines_of(daemon, answer):
    """The log's lines with the id of a response: all of them are written before it is sent, as far as so many may be
    written in that second."""
    return [line for line in daemon.log().splitlines() if f"id={answer.headers['X-Request-Id']} " in line]


class Log(DaemonTest):
    decks = [deck(items=3)]

    def test_every_line_is_key_and_value(self):
        self.daemon.get("/healthz")
        self.daemon.get("/%22%0Alevel=info%20msg=%22forged")
        self.daemon.request('GET"x', "/")
        pair = r'[a-z]+=("(\\.|[^"\\])*"|[^" =]+)'
        for line in self.daemon.log().splitlines():
            self.assertRegex(line, r"^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(info|warn|error)"
                                   rf"( {pair})+$")

    def test_a_response_names_its_line(self):
        for path, status in (("/healthz", 200), ("/none", 404), ("/api/v1/sessions", 405)):
            answer = self.daemon.get(path)
            identity = answer.headers["X-Request-Id"]
            self.assertRegex(identity, r"^[0-9a-f]{16}$")
            self.assertNotIn(identity.encode(), answer.body)
            found = lines_of(self.daemon, answer)
            self.assertEqual(len(found), 1)
            self.assertIn(f" status={status} ", found[0])
            self.assertRegex(found[0], rf" bytes={len(answer.body)}( |$)")

    def test_ids_of_requests_are_ours_and_new_each_time(self):
        ids = {self.daemon.get("/healthz", X_Request_Id="mine").headers["X-Request-Id"] for _ in range(50)}
        self.assertEqual(len(ids), 50)

    def test_a_whole_drill_leaves_nothing_personal(self):
        learner = Learner(self.daemon)
        keys, images = [], []
        for n in range(1, 4):
            images.append(learner.item(n).json["item"]["image"].split("/")[-1][:-4])
            learner.image(n)
            keys.append(str(uuid.uuid4()))
            learner.answer(n, key=keys[-1], choice="fracture", response_ms=987654.25)
        learner.summary()
        self.daemon.get(learner.url, "wrong" + learner.secret, User_Agent="Agent-of-Marie/1.0",
                        Referer="http://clinic.example/marie", Cookie="name=marie", X_Forwarded_For="192.0.2.77")
        self.daemon.get("/api/v1/samples/default/fracture/1.png?size=marie")
        self.daemon.post("/api/v1/sessions", '{"deck":"marie"}')
        self.daemon.export()
        token = self.daemon.admin_token()
        log = re.sub(r" id=[0-9a-f]{16} ", " ", self.daemon.log())  # which may have any digits
        for secret in (learner.id, learner.secret, token, "127.0.0.1", "192.0.2.77", "marie", "Agent", "clinic",
                       "987654", "Bearer", "?", "no_fracture", *keys, *images):
            self.assertNotIn(secret, log)
        self.assertNotRegex(log, r"\b[0-9a-f]{24,}\b")
        metrics = self.daemon.get("/metrics").body.decode()
        for secret in (learner.id, learner.secret, token, "127.0.0.1", "marie", *keys, *images):
            self.assertNotIn(secret, metrics)


class Flood(DaemonTest):
    """By itself: after a flood no line is written for up to a second, which tests of lines would miss."""

    def lines(self):
        return [line for line in self.daemon.log().splitlines() if " id=" in line]

    def test_a_flood_is_told_in_few_lines_and_a_count(self):
        before = len(self.lines())
        shed = self.daemon.metric("roentgymd_log_lines_suppressed_total")

        def flood():
            for _ in range(250):
                self.daemon.request("GET", "/healthz", check=False)

        threads = [threading.Thread(target=flood) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left_out = self.daemon.metric("roentgymd_log_lines_suppressed_total") - shed
        told = len(self.lines()) - before + left_out
        self.assertGreater(left_out, 0)
        self.assertIn(told, (1001, 1002))  # those who asked for the metrics made a line too, the last one perhaps none
        while not re.search(r'level=warn msg="lines were left out" kind=request lines=\d+$', self.daemon.log(), re.M):
            self.daemon.get("/healthz")


if __name__ == "__main__":
    unittest.main()
