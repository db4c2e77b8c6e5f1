"""What a learner gets before answering tells neither class nor source nor model: bytes, headers, and how long it takes.

Sessions of two items hold one of each class in random order. So, if time tells nothing, it is a fair coin
which of the two differences a session shows, and Hoeffding's inequality bounds how far the sum of many such
coins strays, whatever the machine is doing meanwhile: a normalised sum beyond LIMIT comes up once in 130,000
rounds at most, and twice in a row to the same side once in 10^10. Times are replaced by their ranks, so that
a few slow ones do not hide the others. Two milliseconds more to sample one class gave 7.7 to 10.9 in six
rounds on two cores that other jobs shared.
"""

import http.client
import os
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from checkpoints import checkpoint, replace  # noqa: E402
from daemon import CHECKPOINT, Daemon, DaemonTest, Learner, deck, deck_of, need_checkpoint, png_chunks, source  # noqa: E402
from library_data import library, make  # noqa: E402

SESSIONS, LIMIT, ROUNDS = 200, 5, 2


class Secrecy(DaemonTest):
    decks = [deck(items=2)]
    column, first = "class", "fracture"  # of items: what must not be told, and one of its two values

    def setUp(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        self.addCleanup(self.connection.close)
        self.sizes = self.model["sizes"]

    def wait_until_idle(self):
        for _ in range(10000):
            lines = self.daemon.get("/metrics").body.decode().splitlines()
            if not any(line.startswith(("roentgymd_images_waiting{", "roentgymd_images_under_way ")) and
                       not line.endswith(" 0") for line in lines):
                return
            time.sleep(0.005)
        self.fail("the queue did not become empty")

    def get(self, path):
        """Seconds, headers without those that differ every time, and the body."""
        started = time.perf_counter()
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - started
        self.assertEqual(response.status, 200)
        for_all = [(k, v) for k, v in response.getheaders() if k not in ("Date", "X-Request-Id")]
        return seconds, tuple(for_all), body

    def walk(self):
        """One session: [(kind of request, truth, seconds, headers, body)]. The images of full size are there
        when they are asked for; those of the other two sizes are made on demand, because no learner before
        had them in that size."""
        truths = []
        while len(set(truths)) != 2:
            learner = Learner(self.daemon)
            truths = [row[self.column] for row in self.daemon.rows(
                f"SELECT {self.column} FROM items WHERE session_id = ? ORDER BY n", learner.id)]
        urls = [learner.item(n).json["item"]["image"] for n in (1, 2)]
        seen = []
        for kind, item, query in (("first", 0, ""), ("second", 1, ""), ("first made", 0, f"?size={self.sizes[0]}"),
                                  ("second made", 1, f"?size={self.sizes[1]}")):
            self.wait_until_idle()
            seen.append((kind, truths[item], *self.get(urls[item] + query)))
        return seen

    def strays(self, sessions):
        """For images found made and for those made on demand: how far the sum of the coins is from even."""
        kinds = {"found": ("first", "second"), "made": ("first made", "second made")}
        return {name: self.stray([[seen for seen in session if seen[0] in pair] for session in sessions])
                for name, pair in kinds.items()}

    def stray(self, pairs):
        coins = [0.0] * len(pairs)
        for item in (0, 1):
            order = sorted(range(len(pairs)), key=lambda s: pairs[s][item][2])
            for rank, s in enumerate(order):
                coins[s] += rank if pairs[s][item][1] == self.first else -rank
        spread = sum(coin * coin for coin in coins) ** 0.5
        return sum(coins) / spread if spread else 0.0

    def test_the_time_of_an_image_does_not_tell_it(self):
        rounds = []
        for _ in range(ROUNDS):
            strays = self.strays([self.walk() for _ in range(SESSIONS)])
            rounds.append(strays)
            if all(abs(stray) < LIMIT for stray in strays.values()):
                return
        for name in rounds[0]:
            values = [strays[name] for strays in rounds]
            self.assertFalse(min(values) >= LIMIT or max(values) <= -LIMIT, f"images {name}: {rounds}")

    def test_bytes_and_headers_of_an_image_do_not_tell_it(self):
        outsides = {}
        for _ in range(32):  # that all begin with the same class has a chance of 1 in 2^31
            for kind, truth, _, headers, body in self.walk():
                outsides.setdefault(truth, set()).add((kind, headers, len(body), tuple(name for name, _ in png_chunks(body))))
        one, other = outsides.values()
        self.assertEqual(len(one), 4)
        self.assertEqual(one, other)


class Source(Secrecy):
    """The same of sessions with one image of the library and one that a model draws. Those of the library are wider
    than the model's, so that they are also fitted. Without QUEUE_HELD_US they took 0.7 ms longer to be made, and
    strayed by 5.5 and 6.8 in two rounds."""

    decks = [{
        "format": 2, "id": "default", "title": "Hips", "question": "Is there a fracture?", "items": 2, "prevalence": 0.5,
        "choices": [{"id": "no", "label": "No"}, {"id": "yes", "label": "Yes"}],
        "sources": [{"kind": kind, "model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}, **more}
                    for kind, more in (("gan", {}), ("library", {"collection": "hips"}))],
    }]
    column, first = "source", "library"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        data = make(os.path.join(cls.daemon.folder, "data"), 8, cls.model["resolution"] * 3 // 2)
        assert library(cls.daemon.config_path, "add", data, "--name", "hips").returncode == 0


class Model(Secrecy):
    """Sessions with one image of each of two models, of which one takes several times as long as the other."""

    decks = [deck_of("default", source("default"), source("quick"), items=2)]
    column, first = "model", 0

    @classmethod
    def setUpClass(cls):
        need_checkpoint()
        cls.folder = tempfile.mkdtemp(prefix="roentgymd-models-")
        with open(CHECKPOINT, "rb") as file:
            replace(os.path.join(cls.folder, "default.safetensors"), file.read())
        replace(os.path.join(cls.folder, "quick.safetensors"), checkpoint(1, side=1024))
        cls.daemon = Daemon(cls.decks, models=cls.folder)
        cls.model = cls.daemon.get("/api/v1/models").json["models"][0]

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
