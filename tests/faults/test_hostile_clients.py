"""Clients that dawdle, stall, lie, overfill and leave: each gets the right status or a closed connection, and a
learner is served all the while.

Time limits are met ten times as fast: the daemon runs under faketime, which speeds up every clock it reads."""

import json
import os
import resource
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
from daemon import Daemon, DaemonTest, Learner, deck, fake_time, need_checkpoint  # noqa: E402

IMAGE = "/api/v1/samples/default/fracture/%d.png"
POST = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(daemon, timeout_s=30):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=timeout_s)


def read_to_end(connection):
    """All that comes until the connection is closed."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def raw(daemon, data, end=True):
    """The replies to these bytes: [(status, body)]. The connection must be closed in the end, by the daemon or,
    when it keeps it, after our end."""
    with connect(daemon) as connection:
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # closed while we were sending
            pass
        return replies(read_to_end(connection))


def replies(data):
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if status >= 200:
            found.append((status, rest[:length]))
        data = rest[length:] if status >= 200 else rest
        if b"\r\nConnection: close" in head:
            break  # the library sends the head of its own errors twice, which ends what can be read
    return found


def statuses(daemon, data):
    return [status for status, _ in raw(daemon, data)]


class Slow(unittest.TestCase):
    def setUp(self):
        need_checkpoint()
        with fake_time(FAKETIME="+0 x10"):
            self.daemon = Daemon([deck(items=200)])
        self.addCleanup(self.daemon.close)

    def drip(self, start, drops):
        """Sends `start` and then a byte of `drops` again and again, until the connection is closed."""
        with connect(self.daemon) as connection:
            connection.sendall(start)
            connection.settimeout(0.05)
            while True:
                try:
                    if start is not HEALTH and connection.recv(65536) == b"":
                        return
                except TimeoutError:
                    pass
                except OSError:
                    return
                try:
                    connection.sendall(drops)
                except OSError:
                    return

    def wait_for_end(self, start):
        with connect(self.daemon, 60) as connection:
            connection.sendall(start)
            read_to_end(connection)

    def stall(self, pace_s):
        """Asks for an image, more often than the system's buffers hold, and reads a byte every pace_s, or nothing at
        all, until it is given up."""
        before = self.daemon.metric("roentgymd_connections_closed_total", 'reason="sending"')
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", self.daemon.port))
            connection.sendall(f"GET {IMAGE % 1} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 60)
            while self.daemon.metric("roentgymd_connections_closed_total", 'reason="sending"') == before:
                if pace_s:
                    connection.recv(1)
                time.sleep(pace_s or 0.2)

    def test_every_slow_client_is_closed_in_the_end_and_a_learner_is_served_meanwhile(self):
        body = POST + b"Content-Length: 60000\r\n\r\n"
        kinds = {
            "a head that drips": lambda: self.drip(b"GET / HTTP/1.1\r\n", b"X"),
            "headers that drip": lambda: self.drip(b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: 1\r\n"),
            "a second head that drips": lambda: self.drip(HEALTH + b"GET /", b"x"),
            "a body that drips": lambda: self.drip(body, b" "),
            "chunks that drip": lambda: self.drip(body.replace(b"Content-Length: 60000", b"Transfer-Encoding: chunked"),
                                                  b"1\r\n \r\n"),
            "nothing at all": lambda: self.wait_for_end(b""),
            "half a head": lambda: self.wait_for_end(b"GET / HT"),
            "half a body": lambda: self.wait_for_end(body + b"{"),
            "nothing after an answer": lambda: self.wait_for_end(HEALTH),
            "an image that nobody reads": lambda: self.stall(0),
            "an image read by the byte": lambda: self.stall(0.05),
        }
        open_now = set(kinds)

        def run(kind):
            kinds[kind]()
            open_now.discard(kind)

        threads = [threading.Thread(target=run, args=(kind,), daemon=True) for kind in kinds]
        for thread in threads:
            thread.start()
        learner, n, until = Learner(self.daemon), 0, time.monotonic() + 60
        while open_now and time.monotonic() < until:
            n = n % 150 + 1
            self.assertEqual(learner.image(n).status, 200)
            self.assertIn(learner.answer(n).status, (200, 201, 409))
        self.assertEqual(open_now, set())
        self.assertGreaterEqual(self.daemon.metric("roentgymd_connections_closed_total", 'reason="waiting"'), 6)
        self.assertEqual(self.daemon.metric("roentgymd_connections_closed_total", 'reason="receiving"'), 3)
        self.assertGreaterEqual(n, 1)


class Crowds(unittest.TestCase):
    def setUp(self):
        need_checkpoint()
        self.daemon = Daemon([deck(items=3)])
        self.addCleanup(self.daemon.close)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, files)
        if files[1] < 4000:
            self.skipTest("this system lets us open too few files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4000, files[1]))

    def test_a_class_is_served_behind_a_thousand_idlers_and_more(self):
        idlers = [connect(self.daemon) for _ in range(1800)]
        learner = Learner(self.daemon)
        for n in range(1, 4):
            self.assertEqual(learner.image(n).status, 200)
            self.assertEqual(learner.answer(n).status, 201)
        self.assertGreater(self.daemon.metric("roentgymd_connections_closed_total"), 0)
        self.assertLessEqual(self.daemon.metric("roentgymd_connections"),
                             self.daemon.metric("roentgymd_connections_max"))
        for idler in idlers:
            idler.close()

    def test_500_sessions_that_start_at_once_all_start(self):
        body = b'{"deck":"default"}'
        request = (b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connections = [connect(self.daemon, 60) for _ in range(500)]
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            (status, reply), = replies(read_to_end(connection))
            self.assertEqual(status, 201)
            self.assertIn("secret", json.loads(reply)["session"])
            connection.close()
        self.assertEqual(self.daemon.rows("SELECT count(*) AS n FROM sessions")[0]["n"], 500)

    def test_few_files_mean_few_places_and_no_spin(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        pid = os.fork()
        if pid == 0:  # a daemon with a low limit of its own
            status = 1
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
                daemon = Daemon()
                resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
                places = daemon.metric("roentgymd_connections_max")
                idlers = [connect(daemon) for _ in range(150)]
                ok = 16 <= places <= 100 and daemon.get("/healthz").status == 200
                for idler in idlers:
                    idler.close()
                daemon.close()
                status = 0 if ok else 1
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertGreaterEqual(hard, 200)


class Malformed(DaemonTest):
    decks = [deck(items=3)]

    def tearDown(self):
        self.assertEqual(self.daemon.get("/healthz").status, 200)

    def check(self, cases):
        for data, wanted in cases:
            with self.subTest(data=data[:60]):
                self.assertIn(statuses(self.daemon, data), wanted if isinstance(wanted, tuple) else (wanted,))
                self.assertEqual(self.daemon.get("/healthz").status, 200)

    def test_a_request_line_that_is_none_is_refused(self):
        self.check([
            (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", [505]),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]),
            (b"GET /\r\n\r\n", [400]),
            (b"GET / HTTP/1.1\r\n\r\n", [400]),
            (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", [404]),
            (b"\r\n\r\n\r\n", []),
            (bytes.fromhex("16030100a5010000a10303") + b"\0" * 150, []),
        ])

    def test_methods_and_targets_of_other_kinds_are_refused(self):
        self.check([
            (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            (b"TRACE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            (b"G=T@ / HTTP/1.1\r\nHost: x\r\n\r\n", [405]),
            (b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n", [404]),
        ])

    def test_absolute_targets_and_http_1_0_are_served(self):
        self.check([
            (b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n", [200]),
            (b"GET HTTP://x:80/healthz?a=1 HTTP/1.1\r\nHost: x\r\n\r\n", [200]),
            (b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", [200]),
            (b"GET http://x/../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", [404]),
            (b"GET /healthz HTTP/1.0\r\n\r\n", [200]),
        ])

    def test_heads_that_are_too_large_are_refused(self):
        self.check([
            (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", [431]),
            (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: 1\r\n" % i for i in range(5000)) + b"\r\n", [431]),
            (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", [414]),
            (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", [200]),
        ])

    def test_heads_that_can_be_read_in_two_ways_are_refused_and_nothing_behind_them_is_served(self):
        post, hidden = POST, HEALTH
        self.check([
            (post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, [400]),
            (post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456" + hidden, [400]),
            (post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, [400]),
            (post + b"Content-Length : 5\r\n\r\n12345" + hidden, [400]),
            (post + b"Content-Length: 1\r\n 8\r\n\r\n" + b"12345" + hidden, [400]),
            (post + b"Content-Length:\r\n\t5\r\n\r\n" + hidden, [400]),
            (post + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + hidden, [400]),
            (post + b"X: 1\r\n Content-Length: 5\r\n\r\n12345" + hidden, [400]),
            (post + b"Content-Length: -1\r\n\r\n" + hidden, [400]),
            (post + b"Content-Length: +5\r\n\r\n12345" + hidden, [400]),
            (post + b"Content-Length: 0x5\r\n\r\n12345" + hidden, [400]),
            (post + b"Content-Length: 99999999999999999999999\r\n\r\n" + hidden, [413]),
            (post + b"Transfer-Encoding: gzip\r\n\r\n12345" + hidden, [501]),
            (post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden, [501]),
            (b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + hidden, [400]),
            (b"GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n" + hidden, [400]),
        ])

    def test_broken_chunks_are_refused(self):
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        self.check([
            (head + b"zz\r\n12345", [400]),
            (head + b"ffffffffffffffffff\r\n12345", [413]),
            (head + b"-5\r\n12345\r\n0\r\n\r\n", [400]),
            (head + b'12\r\n{"deck":"default"}\r\n0\r\n\r\n', [201]),
            (head + b'9;a=b\r\n{"deck":"\r\n9\r\ndefault"}\r\n0\r\nTrailer: x\r\n\r\n', [201]),
        ])

    def test_bodies_that_are_too_large_are_refused(self):
        head = POST
        self.check([
            (head + b"Content-Length: 65537\r\n\r\n" + b" " * 65537, [413]),
            (head + b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b" " * 0x4000 + b"\r\n"
             + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 4 + b"0\r\n\r\n", [413]),
        ])

    def test_requests_sent_at_once_are_answered_in_turn_and_garbage_behind_them_is_refused(self):
        self.check([
            (HEALTH * 2, [200, 200]),
            (HEALTH * 50, [200] * 50),
            (HEALTH + b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n" + HEALTH, [200, 404, 200]),
            (HEALTH + b"\x00\x01garbage\r\n\r\n", ([200], [200, 400])),
            (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345" + HEALTH, [200, 200]),
            (HEALTH + b"GET / HT", [200]),
        ])

    def test_whoever_ends_their_sending_gets_their_answer(self):
        for seed in range(3):
            (status, png), = raw(self.daemon, f"GET {IMAGE % (7000 + seed)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            self.assertEqual((status, png[:4]), (200, b"\x89PNG"))

    def test_whoever_leaves_does_no_harm(self):
        for seed in range(8000, 8030):
            with connect(self.daemon) as connection:
                connection.sendall(f"GET {IMAGE % seed} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                if seed % 2:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        while self.daemon.metric("roentgymd_connections", "answering") > 1:
            time.sleep(0.01)

    def test_nothing_outside_the_pages_is_served(self):
        for path in (b"/../Makefile", b"/%2e%2e/Makefile", b"/%2e%2e%2fMakefile", b"/..%2fMakefile", b"/..%5cMakefile",
                     b"/%252e%252e/Makefile", b"/%c0%ae%c0%ae/Makefile", b"/\xc0\xae\xc0\xae/Makefile",
                     b"/%e0%80%ae%e0%80%ae/Makefile", b"/js/%2e%2e/%2e%2e/Makefile", b"//Makefile", b"/./index.html",
                     b"/index.html%00", b"/index.html%00.png", b"/%00", b"/index.html/", b"/index%2ehtml%20",
                     b"/%2fetc/passwd", b"/\xff\xfe", b"/%ff", b"/%", b"/%z", b"/\x01", b"/js", b"/js/",
                     b"/.git/config", b"/index.html;a",
                     b"/api/v1/../../index.html", b"/api/v1/samples/default/fracture/..%2f1.png"):
            with self.subTest(path=path):
                (status, body), = raw(self.daemon, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(status, (400, 404, 422))
                self.assertNotIn(b"CFLAGS", body)

    def test_numbers_that_are_none_are_refused(self):
        for seed, status in (("18446744073709551615", 200), ("18446744073709551616", 422), ("9" * 40, 422),
                             ("-1", 422), ("1e3", 422), ("0x10", 422), ("1.0", 422),
                             ("%EF%BC%91", 422), ("%201", 422), ("1%00", 422)):
            with self.subTest(seed=seed):
                path = f"/api/v1/samples/default/fracture/{seed}.png?size=256"
                self.assertEqual(self.daemon.get(path).status, status)
        for value, status in (("1", 200), ("0", 200), ("nan", 422), ("NaN", 422), ("inf", 422), ("-0", 422),
                              ("1e999", 422), ("1e-9", 422), ("0x1p-1", 422), ("1.0000001", 422), ("-1", 422),
                              ("", 422), ("0.5%00", 422), ("0,5", 422), ("%D9%A1", 422), ("1" * 500, 422)):
            for name in ("strength", "truncation"):
                with self.subTest(name=name, value=value):
                    path = f"{IMAGE % 1}?size=256&{name}={value}"
                    self.assertEqual(self.daemon.get(path).status, status)

    def test_queries_that_say_two_things_are_refused(self):
        for query, status in (("size=256&size=256", 400), ("size=256&size=512", 400), ("size=256&size", 400),
                              ("size&size", 400),
                              ("siz%65=256", 200), ("size=256;size=512", 422), ("a=1", 400),
                              ("&", 400), ("=", 400), ("size=", 422),
                              ("&".join(["size=256"] * 100), 400), ("size%00=256", 400)):
            with self.subTest(query=query[:30]):
                self.assertEqual(self.daemon.get(f"{IMAGE % 1}?{query}").status, status)


class Semantics(DaemonTest):
    decks = [deck(items=3)]
    paths = ("/", "/js/api.js", "/healthz", "/none", "/api/v1/decks", "/api/v1/sessions", IMAGE % 1)

    def test_head_is_get_without_its_body(self):
        def fields(answer):
            return sorted((k, v) for k, v in answer.headers.items() if k not in ("Date", "X-Request-Id"))
        learner = Learner(self.daemon)
        image = learner.item(1).json["item"]["image"]
        for path in (*self.paths, image):
            with self.subTest(path=path):
                get, head = self.daemon.get(path), self.daemon.request("HEAD", path, check=False)
                if path == "/api/v1/sessions":
                    self.assertEqual((get.status, head.status), (405, 405))
                self.assertEqual((head.status, fields(head), head.body), (get.status, fields(get), b""))
                self.assertEqual(int(head.headers["Content-Length"]), len(get.body))

    def test_ranges_are_ignored(self):
        for path in ("/", IMAGE % 1):
            whole = self.daemon.get(path)
            for value in ("bytes=0-3", "bytes=-1", "bytes=5-2", "bytes=0-0,2-2", "bytes=" + "0-1," * 2000, "lines=1"):
                part = self.daemon.get(path, Range=value, If_Range=whole.headers["ETag"])
                self.assertEqual((part.status, part.body), (200, whole.body))

    def test_a_client_with_a_tag_in_a_list_is_told_that_nothing_changed(self):
        for path in ("/", IMAGE % 1):
            fresh = self.daemon.get(path)
            tag = fresh.headers["ETag"]
            self.assertRegex(tag, r'^"[0-9a-f]{32}"$')
            for value in (tag, "W/" + tag, f'"a", {tag}', f'"a" ,\t W/{tag} , "b"', f"  {tag} ", f",,{tag}", "*",
                          " * "):
                with self.subTest(path=path, value=value):
                    same = self.daemon.get(path, If_None_Match=value)
                    self.assertEqual((same.status, same.body), (304, b""))
                    for name in ("ETag", "Cache-Control", "Content-Security-Policy"):
                        self.assertEqual(same.headers[name], fresh.headers[name])
            for value in ('"a"', "", tag[1:-1], tag[:-1], f'"a{tag[1:]}', f'"a, {tag[1:-1]}, b"', f"x{tag}", "w/" + tag,
                          '"a"' * 1000, tag.upper() + "x", "\\" + tag, '"*"'):
                with self.subTest(path=path, value=value[:40]):
                    self.assertEqual(self.daemon.get(path, If_None_Match=value).status, 200)

    def test_a_learners_image_is_never_confirmed_by_a_tag(self):
        learner = Learner(self.daemon)
        image = learner.item(1).json["item"]["image"]
        for value in ("*", '"a"'):
            self.assertEqual(self.daemon.get(image, If_None_Match=value).status, 200)

    def test_clients_are_told_once_to_go_on_and_expectations_unknown_are_ignored(self):
        body = b'{"deck":"default"}'
        head = (b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Connection: close\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
        with connect(self.daemon) as connection:
            connection.sendall(head)
            self.assertEqual(connection.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(body)
            self.assertEqual([status for status, _ in replies(read_to_end(connection))], [201])


if __name__ == "__main__":
    unittest.main()
