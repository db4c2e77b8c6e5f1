"""SIGTERM: what is under way is finished, what was confirmed is kept, what was not is refused cleanly. And clocks
that jump."""

import http.client
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
from daemon import Daemon, Learner, deck, fake_time, need_checkpoint  # noqa: E402
from exports import copy_sessions  # noqa: E402

BODY = b'{"deck":"default"}'
HEAD = (b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(BODY))


class Stop(unittest.TestCase):
    def setUp(self):
        need_checkpoint()
        self.daemon = Daemon([deck(items=200)])
        self.addCleanup(self.daemon.close)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.daemon.port), timeout=30)

    def half_sent(self):
        """A request that is under way, as its body has not come whole."""
        connection = self.connect()
        connection.sendall(HEAD + BODY[:5])
        while self.daemon.metric("roentgymd_connections", "receiving") < 1:
            time.sleep(0.01)
        return connection

    def wait_until_refused(self):
        while True:
            try:
                self.connect().close()
            except (ConnectionRefusedError, ConnectionResetError):
                return
            time.sleep(0.01)

    def test_an_answer_is_stored_exactly_when_it_was_confirmed(self):
        learners = [Learner(self.daemon) for _ in range(8)]
        confirmed, refused = [], []

        def answer_on(learner):
            for n in range(1, 200):
                key = str(uuid.uuid4())
                try:
                    status = learner.answer(n, key=key).status
                except (OSError, http.client.HTTPException):
                    refused.append(key)
                    return
                (confirmed if status == 201 else refused).append(key)

        workers = [threading.Thread(target=answer_on, args=(learner,)) for learner in learners]
        for worker in workers:
            worker.start()
        while len(confirmed) < 40:
            time.sleep(0.005)
        self.assertEqual(self.daemon.stop(), 0)
        for worker in workers:
            worker.join()
        self.assertFalse(os.path.exists(self.daemon.db + "-wal"))
        stored = {row["key"] for row in self.daemon.rows("SELECT key FROM answers")}
        self.assertEqual(stored, set(confirmed))
        self.assertTrue(refused)

    def test_what_is_under_way_is_finished_while_newcomers_are_refused(self):
        kept = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)
        kept.request("GET", "/readyz")
        self.assertEqual(json.loads(kept.getresponse().read())["status"], "ready")
        with self.half_sent() as connection:
            self.daemon.process.send_signal(signal.SIGTERM)
            self.wait_until_refused()
            kept.request("GET", "/readyz")
            response = kept.getresponse()
            self.assertEqual((response.status, json.loads(response.read())["status"]), (503, "stopping"))
            self.assertEqual(response.headers["Connection"], "close")
            connection.sendall(BODY[5:])
            reply = b""
            while piece := connection.recv(65536):
                reply += piece
        self.assertTrue(reply.startswith(b"HTTP/1.1 201 "), reply[:100])
        self.assertIn(b"Connection: close", reply)
        self.assertEqual(self.daemon.process.wait(timeout=30), 0)
        session = json.loads(reply.partition(b"\r\n\r\n")[2])["session"]["id"]
        self.assertEqual(self.daemon.rows("SELECT id FROM sessions")[0]["id"], session)

    def test_a_second_signal_ends_the_waiting(self):
        with self.half_sent() as connection:
            self.daemon.process.send_signal(signal.SIGTERM)
            self.wait_until_refused()
            self.assertIsNone(self.daemon.process.poll())
            self.assertEqual(self.daemon.stop(), 0)
            self.assertEqual(connection.recv(100), b"")
        self.assertEqual(self.daemon.rows("SELECT count(*) AS n FROM sessions")[0]["n"], 0)

    def test_clients_that_idle_or_stall_cannot_hold_up_a_stop(self):
        self.daemon.close()
        with fake_time(FAKETIME="+0 x10"):  # the ten seconds that they get are one
            self.daemon = Daemon([deck()])
        self.addCleanup(self.daemon.close)
        idlers = [self.connect() for _ in range(50)]
        for connection in idlers[:25]:
            connection.sendall(b"GET / HTTP")
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", self.daemon.port))
        stalled.sendall(b"GET /api/v1/samples/default/fracture/1.png HTTP/1.1\r\nHost: x\r\n\r\n" * 60)
        while self.daemon.metric("roentgymd_connections", "sending") < 1:
            time.sleep(0.01)
        self.assertEqual(self.daemon.stop(), 0)
        for connection in (*idlers, stalled):
            connection.close()


    def test_a_stop_waits_for_no_export_that_is_being_made(self):
        """It may be minutes, and whoever asked may have left."""
        learner = Learner(self.daemon)
        self.assertEqual(learner.answer(1).status, 201)
        copy_sessions(self.daemon.db, 3000)
        head = f"GET /api/v1/export/package.zip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.daemon.admin_token()}\r\n\r\n"
        clients = [self.connect() for _ in range(6)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(head.encode())
        files = f"/proc/{self.daemon.process.pid}/fd"
        while sum("export" in os.readlink(os.path.join(files, name)) for name in os.listdir(files)) < len(clients):
            time.sleep(0.001)
        self.daemon.process.send_signal(signal.SIGTERM)
        answers = [b"".join(iter(lambda c=client: c.recv(65536), b"")) for client in clients]
        self.assertEqual(self.daemon.process.wait(timeout=60), 0)
        for answer in answers:
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 ") or b'"code":"stopping"' in answer, answer[:200])
        self.assertGreater(sum(b'"code":"stopping"' in answer for answer in answers), 2)


TIMED = {"format": 2, "id": "timed", "title": "Hips", "question": "Is there a fracture?", "items": 4, "prevalence": 0.5,
         "choices": [{"id": "no_fracture", "label": "No"}, {"id": "fracture", "label": "Yes"}], "time_limit_s": 20,
         "sources": [{"kind": "gan", "model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}]}


class Clock(unittest.TestCase):
    """The calendar jumps; the steady clock, which all limits and deadlines are on, does not."""

    def setUp(self):
        need_checkpoint()
        handle, self.file = tempfile.mkstemp()
        os.close(handle)
        self.addCleanup(os.remove, self.file)
        self.jump("+0")
        with fake_time(FAKETIME_TIMESTAMP_FILE=self.file, FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1"):
            self.daemon = Daemon([deck(items=10), TIMED])
        self.addCleanup(self.daemon.close)

    def jump(self, to):
        with open(self.file, "w", encoding="ascii") as file:
            file.write(to + "\n")

    def test_a_jump_ends_no_connection_no_session_and_no_wait(self):
        learner = Learner(self.daemon)
        kept = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)
        kept.request("GET", "/healthz")
        kept.getresponse().read()
        address = kept.sock.getsockname()
        for n, to in enumerate(("+40d", "-400d", "+1h", "-1s", "+3000d"), 1):
            self.jump(to)
            self.assertEqual(learner.image(n).status, 200)
            self.assertEqual(learner.answer(n).status, 201)
            self.assertEqual(self.daemon.get(f"/api/v1/samples/default/fracture/{n}.png").status, 200)
            kept.request("GET", "/healthz")
            self.assertEqual(kept.getresponse().read(), b'{"status":"ok"}')
        self.assertEqual(kept.sock.getsockname(), address)
        self.assertEqual(self.daemon.metric("roentgymd_connections_closed_total"), 0)
        self.assertLess(self.daemon.metric("roentgymd_uptime_seconds"), 600)
        self.assertEqual(learner.summary().json["summary"]["answered"], 5)
        self.assertEqual([row["item"] for row in self.daemon.rows("SELECT item FROM answers ORDER BY id")],
                         [1, 2, 3, 4, 5])
        learner = Learner(self.daemon, "timed")
        for n, to in enumerate(("-40d", "+400d", "-1h", "+20d"), 1):
            self.assertEqual(learner.image(n).status, 200)
            self.jump(to)  # while the item is looked at
            self.assertEqual(learner.answer(n).status, 201)
        rows = self.daemon.rows("SELECT c.timed_out, a.at_item_ms FROM answers a JOIN answer_context c ON c.answer_id = a.id"
                                " WHERE a.session_id = ?", learner.id)
        self.assertEqual([(row["timed_out"], 0 <= row["at_item_ms"] < 60000) for row in rows], [(0, True)] * 4)
        years = {row["received_at"][:4] for row in self.daemon.rows("SELECT received_at FROM answers")}
        self.assertGreater(len(years), 1, "the calendar did not jump")
        self.assertEqual(self.daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
