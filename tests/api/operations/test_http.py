"""HTTP itself: headers, methods, limits, odd requests, pages."""

import gzip
import http.client
import json
import os
import socket
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import ROOT, DaemonTest, Learner, Daemon, deck, need_checkpoint  # noqa: E402

CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
       "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")


class Headers(DaemonTest):
    def test_every_response_is_hardened(self):
        paths = ["/", "/healthz", "/none", "/api/v1/none", "/api/v1/decks", "/api/v1/samples/default/fracture/1.png",
                 "/api/v1/samples/default/x/1.png", "/api/v1/sessions", "/metrics", "/api/v1/export/responses.csv"]
        for path in paths:
            with self.subTest(path=path):
                headers = self.daemon.get(path).headers
                self.assertEqual(headers["Content-Security-Policy"], CSP)
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Referrer-Policy"], "no-referrer")
                self.assertEqual(headers["Cross-Origin-Opener-Policy"], "same-origin")
                self.assertIn("Cache-Control", headers)

    def test_json_is_not_cached(self):
        for path in ("/api/v1/decks", "/api/v1/models", "/api/v1/none"):
            self.assertEqual(self.daemon.get(path).headers["Cache-Control"], "no-store")

    def test_a_method_that_a_path_lacks_gets_405_and_the_ones_it_has(self):
        cases = [("DELETE", "/api/v1/decks", "GET, HEAD, POST"), ("POST", "/healthz", "GET, HEAD"),
                 ("GET", "/api/v1/sessions", "POST"), ("HEAD", "/api/v1/sessions", "POST"),
                 ("PUT", "/api/v1/sessions", "POST"), ("OPTIONS", "/api/v1/models", "GET, HEAD"),
                 ("PATCH", "/index.html", "GET, HEAD"), ("NONSENSE", "/api/v1/decks", "GET, HEAD, POST")]
        for method, path, allow in cases:
            with self.subTest(method=method, path=path):
                answer = self.daemon.request(method, path)
                self.assertEqual((answer.status, answer.headers["Allow"]), (405, allow))
                if method != "HEAD":
                    self.assertEqual(answer.code, "method_not_allowed")

    def test_head_works_wherever_get_does(self):
        for path in ("/healthz", "/api/v1/decks", "/metrics", "/none", "/api/v1/export/responses.csv"):
            get, head = self.daemon.get(path), self.daemon.request("HEAD", path)
            self.assertEqual((head.status, head.body), (get.status, b""))

    def test_metrics_are_prometheus_text(self):
        answer = self.daemon.get("/metrics")
        self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        for line in answer.body.decode().splitlines():
            self.assertRegex(line, r'^(# (TYPE|HELP) .*|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [0-9.e+-]+)$')


class Pages(DaemonTest):
    @unittest.skipUnless(os.path.exists(os.path.join(ROOT, "web/index.html")), "there are no pages")
    def test_the_start_page_is_served_and_confirmed_by_its_tag(self):
        page = self.daemon.get("/")
        self.assertEqual((page.status, page.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(self.daemon.get("/index.html").body, page.body)
        self.assertEqual(self.daemon.get("/", If_None_Match=page.headers["ETag"]).status, 304)

    def test_who_takes_gzip_gets_the_compressed_file_unless_it_is_older(self):
        plain = b"export const words = 'fracture, or not';\n" * 20
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "words.js")
            with open(page, "wb") as file:
                file.write(plain)
            with gzip.open(page + ".gz", "wb") as file:
                file.write(plain)
            os.utime(page, (1_000_000, 1_000_000))
            daemon = Daemon(web=folder)
            self.addCleanup(daemon.stop)
            whole = daemon.get("/words.js")
            self.assertEqual((whole.body, whole.headers["Content-Encoding"]), (plain, None))
            tags = {whole.headers["ETag"]}
            for accepted in ("gzip", "deflate, gzip, br", "GZIP ,br"):
                with self.subTest(accepted=accepted):
                    small = daemon.get("/words.js", Accept_Encoding=accepted)
                    self.assertEqual(small.headers["Content-Encoding"], "gzip")
                    self.assertEqual(small.headers["Content-Type"], whole.headers["Content-Type"])
                    self.assertEqual(gzip.decompress(small.body), plain)
                    tags.add(small.headers["ETag"])
            self.assertEqual(len(tags), 2, "a tag of each form")
            again = daemon.get("/words.js", Accept_Encoding="gzip", If_None_Match=small.headers["ETag"])
            self.assertEqual(again.status, 304)
            for answer in (whole, small, again):
                self.assertEqual(answer.headers["Vary"], "Accept-Encoding")
            for accepted in ("", "br", "gzip;q=0", "xgzip", "gzipped"):
                with self.subTest(accepted=accepted):
                    self.assertEqual(daemon.get("/words.js", Accept_Encoding=accepted).body, plain)
            self.assertEqual(daemon.get("/words.js.gz").status, 404)
            os.utime(page + ".gz", (999_999, 999_999))
            stale = daemon.get("/words.js", Accept_Encoding="gzip")
            self.assertEqual((stale.body, stale.headers["Vary"]), (plain, None))

    def test_nothing_outside_the_folder_is_served(self):
        for path in ("/../Makefile", "/%2e%2e/Makefile", "/..%2fMakefile", "/js/../../Makefile", "//etc/passwd",
                     "/%00", "/index.html%00.js", "/.git/config", "/\\..\\Makefile", "/js/", "/js", "/" + "a" * 5000):
            with self.subTest(path=path[:40]):
                self.assertEqual(self.daemon.get(path).status, 404)


class Limits(DaemonTest):
    def raw(self, data, wait_s=60):
        """What the daemon sends back for these bytes, until it closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=wait_s) as connection:
            connection.sendall(data)
            received = b""
            try:
                while piece := connection.recv(65536):
                    received += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def alive(self):
        self.assertEqual(self.daemon.get("/healthz").status, 200)

    def test_a_body_over_64_kib_is_refused_and_one_just_under_is_read(self):
        for size, status in ((65536, 400), (65537, 413), (200_000, 413), (1_000_000, 413)):
            with self.subTest(size=size):
                answer = self.daemon.post("/api/v1/sessions", b" " * size)
                self.assertEqual(answer.status, status)
        self.alive()

    def test_a_body_without_end_is_refused_before_it_is_sent(self):
        reply = self.raw(b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         b"Content-Length: 99999999999\r\n\r\n")
        self.assertTrue(reply.startswith(b"HTTP/1.1 413 "), reply[:80])
        self.alive()

    def test_chunks_without_end_are_cut_off(self):
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=60) as connection:
            connection.sendall(b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            with self.assertRaises(OSError):
                for _ in range(2000):
                    connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        self.alive()

    def test_a_body_of_another_type_is_refused(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = self.daemon.request("POST", "/api/v1/sessions", '{"deck":"default"}', {"Content-Type": kind})
            self.assertEqual((answer.status, answer.code), (415, "not_json"))
        with_charset = {"Content-Type": "application/json; charset=utf-8"}
        self.assertEqual(self.daemon.request("POST", "/api/v1/sessions", '{"deck":"default"}', with_charset).status,
                         201)

    def test_deep_nesting_is_refused(self):
        self.assertEqual(self.daemon.post("/api/v1/sessions", "[" * 60000).status, 400)
        self.alive()

    def test_headers_without_end_are_refused(self):
        reply = self.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
        self.assertRegex(reply[:20].decode() or "HTTP/1.1 4", r"^HTTP/1\.\d 4")
        self.alive()

    def test_nonsense_does_no_harm(self):
        for data in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 100,
                     b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                     b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
                     b"GET /api/v1/samples/default/fracture/%zz.png HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            self.raw(data, wait_s=1)
            self.alive()

    def test_too_many_query_parameters_are_refused(self):
        query = "&".join(f"a{i}=1" for i in range(50))
        self.assertEqual(self.daemon.get("/api/v1/samples/default/fracture/1.png?" + query).status, 400)

    def test_one_connection_serves_many_requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        for _ in range(20):
            connection.request("GET", "/api/v1/decks")
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            json.loads(response.read())
        connection.close()

    def test_clients_that_dawdle_hold_up_nobody(self):
        dawdlers = []
        for request in (b"GET / HT", b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{",
                        b"GET /api/v1/samples/default/fracture/1.png HTTP/1.1\r\nHost: x\r\n\r\n") * 10:
            connection = socket.create_connection(("127.0.0.1", self.daemon.port))
            connection.sendall(request)
            dawdlers.append(connection)
        learner = Learner(self.daemon)
        self.assertEqual(learner.image(1).status, 200)
        self.assertEqual(learner.answer(1).status, 201)
        for connection in dawdlers:
            connection.close()

    def test_clients_that_leave_in_the_middle_do_no_harm(self):
        for seed in range(900, 920):
            with socket.create_connection(("127.0.0.1", self.daemon.port)) as connection:
                connection.sendall(b"GET /api/v1/samples/default/fracture/%d.png HTTP/1.1\r\nHost: x\r\n\r\n" % seed)
        self.assertEqual(self.daemon.get("/api/v1/samples/default/fracture/900.png").status, 200)


class Stopping(unittest.TestCase):
    def setUp(self):
        need_checkpoint()

    def test_sigterm_lets_requests_finish_and_leaves_a_clean_database(self):
        daemon = Daemon([deck(items=3)])
        self.addCleanup(daemon.close)
        learner = Learner(daemon)
        learner.answer(1)
        results = []
        workers = [threading.Thread(target=lambda n=n: results.append(
            daemon.get(f"/api/v1/samples/default/fracture/{n}.png").status)) for n in range(3)]
        for worker in workers:
            worker.start()
        while sum(daemon.metric("roentgymd_images_" + name, 'priority="atlas"') for name in ("made_total", "waiting")) < 3:
            time.sleep(0.01)  # the learner's own images, made ahead, do not count
        self.assertEqual(daemon.stop(), 0)
        for worker in workers:
            worker.join()
        self.assertEqual(results, [200, 200, 200])
        self.assertFalse(os.path.exists(daemon.db + "-wal"))
        self.assertEqual(daemon.rows("SELECT count(*) AS n FROM answers")[0]["n"], 1)


if __name__ == "__main__":
    unittest.main()
