"""deploy/nginx.conf as nginx reads it: a drill and a log-in over TLS, what the proxy keeps back, what it logs, and
how a class gets through that shares one address."""

import glob
import http.client
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from accounts import Browser  # noqa: E402
from daemon import ROOT, Answer, Daemon, Learner, check_answer, need_checkpoint  # noqa: E402

HOST = "roentgym.example.org"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
WHERE = """daemon off; master_process off; pid {folder}/pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/roentgym.conf;
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Proxy:
    """nginx in front of a daemon, with deploy/nginx.conf but for ports and folders. Speaks TLS, as browsers do; the
    certificate is its own. What Browser and Learner ask of a daemon it answers."""

    def __init__(self, daemon):
        self.folder, self.port, self.plain_port = daemon.folder, free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=" + HOST,
                        "-addext", "subjectAltName=DNS:" + HOST, "-keyout", self.path("privkey.pem"),
                        "-out", self.path("fullchain.pem")], check=True, capture_output=True)
        with open(os.path.join(ROOT, "deploy/nginx.conf"), encoding="utf-8") as file:
            text = file.read()
        for old, new in ((r"/etc/letsencrypt/live/[^/]+", self.folder), ("/var/l(og|ib)/nginx", self.folder),
                         (r"listen \[::\].*\n", ""), (r"listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
                         ("listen 443", f"listen 127.0.0.1:{self.port}"), ("127.0.0.1:8080", f"127.0.0.1:{daemon.port}")):
            text, count = re.subn(old, new, text)
            assert count, old
        for name, content in (("roentgym.conf", text), ("nginx.conf", WHERE.format(folder=self.folder))):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(content)
        self.context = ssl.create_default_context(cafile=self.path("fullchain.pem"))
        self.process = subprocess.Popen([NGINX, "-p", self.folder, "-c", self.path("nginx.conf"), "-e", self.path("nginx.log")])
        while not self.answers():
            assert self.process.poll() is None, self.log("nginx.log")
            time.sleep(0.02)

    def path(self, name):
        return os.path.join(self.folder, name)

    def log(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=120, context=self.context)
        connection.sock = self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port)), server_hostname=HOST)
        try:
            connection.request(method, path, body, {"Host": HOST, **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    get, post = Daemon.get, Daemon.post

    def stop(self):
        self.process.terminate()
        self.process.wait()


class SlowBrowser:
    """Opens a page over HTTP/2 (RFC 9113) as browsers do, all its files at once, but takes one byte of each: as on a slow
    network, the requests stay under way until it is closed."""

    DATA, HEADERS, SETTINGS = 0, 1, 4
    MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
    END_STREAM_AND_HEADERS = 5

    def __init__(self, proxy, paths):
        context = ssl.create_default_context(cafile=proxy.path("fullchain.pem"))
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", proxy.port), 30), server_hostname=HOST)
        self.reader = self.socket.makefile("rb")
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                            self.frame(self.SETTINGS, 0, 0, struct.pack(">HI", self.INITIAL_WINDOW_SIZE, 1)))
        kind, settings = self.read_frame()
        assert kind == self.SETTINGS
        at_once = dict(struct.iter_unpack(">HI", settings))[self.MAX_CONCURRENT_STREAMS]
        self.asked = paths[:at_once]
        for n, path in enumerate(self.asked):
            self.socket.sendall(self.frame(self.HEADERS, self.END_STREAM_AND_HEADERS, 2 * n + 1, self.head(path)))

    @staticmethod
    def head(path):
        """HPACK (RFC 7541) without compression: GET, https, and two literals whose names the static table has."""
        return b"\x82\x87" + b"".join(bytes([name, len(value)]) + value.encode() for name, value in ((1, HOST), (4, path)))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">IBBI", len(payload), kind, flags, stream)[1:] + payload

    def read_frame(self):
        high, low, kind, _, _ = struct.unpack(">BHBBI", self.reader.read(9))
        return kind, self.reader.read(high << 16 | low)

    def refused(self):
        """How many files were not answered by 200, which is one byte in the static table."""
        count, left = 0, len(self.asked)
        while left:
            kind, payload = self.read_frame()
            if kind == self.HEADERS:
                left -= 1
                count += payload[0] != 0x88
        return count

    def close(self):
        self.reader.close()
        self.socket.close()


@unittest.skipUnless(NGINX and shutil.which("openssl"), "nginx and openssl are not installed")
class BehindProxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_checkpoint()
        cls.daemon = Daemon(public_url="https://" + HOST)
        cls.addClassCleanup(cls.daemon.close)
        cls.link = cls.daemon.process.stdout.readline().split()[-1]
        cls.proxy = Proxy(cls.daemon)
        cls.addClassCleanup(cls.proxy.stop)

    def test_pages_come_over_tls_alone_and_once(self):
        page = self.proxy.get("/")
        self.assertEqual(page.status, 200)
        self.assertEqual(page.headers["Strict-Transport-Security"], "max-age=31536000")
        self.assertEqual(page.headers.get_all("Content-Security-Policy"),
                         self.daemon.get("/").headers.get_all("Content-Security-Policy"))
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.plain_port)
        connection.request("GET", "/?deck=default", headers={"Host": HOST})
        answer = Answer(connection.getresponse())
        connection.close()
        self.assertEqual((answer.status, answer.headers["Location"]), (301, f"https://{HOST}/?deck=default"))

    def test_metrics_stay_on_the_host(self):
        self.assertEqual(self.daemon.get("/metrics").status, 200)
        for path in ("/metrics", "/metrics?", "//metrics", "/%6detrics", "/api/../metrics"):
            self.assertEqual(self.proxy.get(path).status, 404, path)

    def test_a_drill_goes_through_and_leaves_no_trace_of_who_took_part(self):
        learner = Learner(self.proxy)
        images = []
        for n in range(1, 11):
            images.append(learner.item(n).json["item"]["image"])
            self.assertEqual(self.proxy.get(images[-1]).body[:4], b"\x89PNG")
            self.assertEqual(learner.answer(n).status, 201)
        self.assertEqual(learner.summary().status, 200)
        said = "".join(self.proxy.log(os.path.basename(name)) for name in glob.glob(self.proxy.path("*.log")))
        self.assertIn("/api/v1/images/...", said)
        for secret in (learner.id, learner.secret, "127.0.0.1", *(os.path.basename(image) for image in images)):
            self.assertNotIn(secret, said)

    def test_staff_log_in_with_a_cookie_for_https_and_the_token_passes(self):
        browser = Browser(self.proxy)
        answer = browser.use(self.link, "admin")
        self.assertRegex(answer.headers["Set-Cookie"], r"^__Host-roentgym_session=[0-9a-f]{64}; Path=/; .*; Secure$")
        self.assertEqual(browser.get("/api/v1/me").status, 200)
        self.assertEqual(browser.post("/api/v1/invitations", {"role": "educator"}, Origin="https://" + HOST).status, 201)
        self.assertEqual(self.proxy.get("/api/v1/export/responses.csv", self.daemon.admin_token()).status, 200)

    def test_what_nginx_refuses_leaves_no_address_in_a_log(self):
        self.assertEqual(self.proxy.post("/api/v1/sessions", b"x" * 70000).status, 413)
        while " 413 POST /api/v1/sessions " not in self.proxy.log("roentgym.log"):
            time.sleep(0.02)  # nginx reads on for a while, then notes what it has refused
        self.assertNotIn("127.0.0.1", self.proxy.log("roentgym.log") + self.proxy.log("nginx.log"))

    def test_a_class_behind_one_address_gets_its_page_over_a_slow_network(self):
        modules = sorted(glob.glob("js/**/*.js", root_dir=os.path.join(ROOT, "web"), recursive=True))
        paths = ["/" + path for path in modules[:70]]
        refused = []
        for _ in range(60):
            browser = SlowBrowser(self.proxy, paths)
            self.addCleanup(browser.close)
            refused.append(browser.refused())
        self.assertEqual(refused, [0] * 60)

    def test_who_asks_too_often_is_told_to_wait_as_the_daemon_tells_it(self):
        """The last by its name: the others could not log in so soon after it."""
        answers = (self.proxy.post("/api/v1/login", {}) for _ in range(200))
        answer = next(answer for answer in answers if answer.status == 429)
        check_answer("POST", "/api/v1/login", answer)
        self.assertEqual(answer.code, "too_often")
        self.assertEqual(answer.headers["Retry-After"], "2")
        self.assertEqual(answer.headers["Strict-Transport-Security"], "max-age=31536000")


if __name__ == "__main__":
    unittest.main()
