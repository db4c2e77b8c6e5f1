"""Many at once: who is served first, who is refused, and what is not made at all."""

import concurrent.futures
import os
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from daemon import Daemon, DaemonTest, Learner, fake_time  # noqa: E402

ATLAS = "/api/v1/samples/default/fracture/"


class Queue(DaemonTest):
    def count(self, name, priority):
        return self.daemon.metric(f'roentgymd_images_{name}{{priority="{priority}"}}')

    def wait_for(self, condition):
        for _ in range(6000):
            if condition():
                return
            time.sleep(0.02)
        self.fail("what was waited for did not come")

    def image(self, path):
        """The image, asked for again as often as an honest refusal says so, and the number of refusals."""
        for refused in range(100):
            answer = self.daemon.get(path)
            if answer.status != 503:
                return answer, refused
            self.assertEqual(answer.code, "busy")
            seconds = int(answer.headers["Retry-After"])
            self.assertGreaterEqual(seconds, 1)
            time.sleep(seconds)
        self.fail("refused a hundred times")

    def test_a_class_that_starts_at_once_gets_images_or_honest_refusals(self):
        def start(_):
            learner = Learner(self.daemon)
            return self.image(learner.item(1).json["item"]["image"])[0]

        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(start, range(100)))
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual(len({answer.body for answer in answers}), 100)

    def ask_for_samples(self, seeds):
        """The connections of clients that ask for a sample each, nearly at once."""
        clients = [socket.create_connection(("127.0.0.1", self.daemon.port)) for _ in seeds]
        for seed, client in zip(seeds, clients):
            self.addCleanup(client.close)
            client.sendall(f"GET {ATLAS}{seed}.png HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return clients

    def test_a_learner_does_not_wait_for_the_atlas(self):
        for turn in range(20):  # as the daemon may make all before we have looked
            url = Learner(self.daemon).item(1).json["item"]["image"] + f"?size={self.model['sizes'][0]}"
            clients = self.ask_for_samples(range(10000 + 40 * turn, 10040 + 40 * turn))
            self.assertEqual(self.daemon.get(url).status, 200)
            waiting = self.count("waiting", "atlas")
            for client in clients:
                self.assertIn(client.makefile("rb").readline().split()[1], (b"200", b"503"))
            if waiting > 0:
                return
        self.fail("the learner was served after the atlas")

    def test_an_image_beyond_the_item_that_is_looked_at_is_less_urgent(self):
        learner = Learner(self.daemon)
        url = learner.item(2).json["item"]["image"]
        sizes = self.model["sizes"]
        before = {priority: self.count("made_total", priority) for priority in ("learner", "next")}
        self.daemon.get(f"{url}?size={sizes[0]}")
        self.assertEqual(self.count("made_total", "next"), before["next"] + 1)
        self.assertEqual(learner.answer(1).status, 201)
        self.daemon.get(f"{url}?size={sizes[1]}")
        self.assertEqual(self.count("made_total", "next"), before["next"] + 1)
        self.assertEqual(self.count("made_total", "learner"), before["learner"] + 1)

    def test_a_full_atlas_is_refused_while_learners_are_served(self):
        learner = Learner(self.daemon)
        url = learner.item(1).json["item"]["image"] + f"?size={self.model['sizes'][0]}"
        refused = self.count("refused_total", "learner")  # of a class that started at once, on a slow machine
        for priority in ("next", "ahead"):  # what other learners left behind may be as much as the atlas may wait for
            self.wait_for(lambda p=priority: self.count("waiting", p) == 0)
        clients = self.ask_for_samples(range(20000, 20200))
        self.assertEqual(self.daemon.get(url).status, 200)
        statuses = {client.makefile("rb").readline().split()[1] for client in clients}
        self.assertEqual(statuses, {b"200", b"503"})
        self.assertEqual(self.count("refused_total", "learner"), refused)

    def test_what_a_client_that_has_left_asked_for_is_not_made(self):
        with fake_time(FAKETIME="+0 x10"):  # or a fast machine could have made all before the daemon looks who left
            self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        dropped = self.count("dropped_total", "atlas")
        clients = self.ask_for_samples(range(30000, 30045))
        self.wait_for(lambda: self.count("waiting", "atlas") > 0)
        for client in clients:
            client.close()
        self.wait_for(lambda: self.count("waiting", "atlas") == 0)
        self.assertGreater(self.count("dropped_total", "atlas"), dropped)


if __name__ == "__main__":
    unittest.main()
