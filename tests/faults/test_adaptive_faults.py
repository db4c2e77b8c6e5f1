"""A daemon that is killed again and again while a learner answers a deck that decides each item by the answers: no
answer is left without the item after it, and the session goes on as one that nothing happened to."""

import http.client
import os
import random
import signal
import sys
import threading
import unittest
import uuid

API = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api")
sys.path[:0] = [API, os.path.join(API, "sessions")]
from checkpoints import FolderTest  # noqa: E402
from daemon import Daemon  # noqa: E402
from test_adaptive import CLASSES, Player, deck  # noqa: E402

ITEMS = 120
FIXED = {"mode": "fixed", "seed": "11"}
DECKS = [
    deck("adaptive", items=ITEMS, order={"rule": "adaptive"}, draw=FIXED),
    deck("staircase", items=ITEMS, order={"rule": "staircase"}, draw=FIXED,
         sources=[{"kind": "gan", "model": "default", "strength": [0.1, 1],
                   "classes": {"no": CLASSES[:2], "yes": CLASSES[2:]}}]),
]


def knows(row):
    return row["class"] != "y2" and row["strength"] > 0.3


class Killed(FolderTest):
    def setUp(self):
        super().setUp()
        self.put("default", 1, classes=CLASSES)
        self.start(DECKS)

    def restart(self):
        """Kills the daemon if it lives, starts another on its files."""
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.daemon.process.stdout.close()
        self.daemon = Daemon(DECKS, folder=self.daemon.folder, models=self.models)
        self.addCleanup(self.daemon.close)

    def answer_until_it_dies(self, player, delay_s):
        """Whether the session has come to its end. What was sent last is sent again, under the same key."""
        killer = threading.Timer(delay_s, self.daemon.process.send_signal, [signal.SIGKILL])
        killer.start()
        try:
            while player.n < ITEMS:
                if not player.unsure:
                    row = player.row(player.n + 1)
                    wrong = {"no": "yes", "yes": "no"}[row["truth"]]
                    player.unsure = (row["truth"] if knows(row) else wrong, str(uuid.uuid4()))
                choice, key = player.unsure
                player.n += 1
                try:
                    player.answer_with(choice, 2000, key)
                except (OSError, http.client.HTTPException):
                    player.n -= 1
                    return False
                player.unsure = None
        finally:
            killer.cancel()
            killer.join()
        return True

    def test_no_answer_is_without_the_item_after_it_and_the_items_are_those_of_a_calm_session(self):
        draw = random.Random(3)
        for name in ("adaptive", "staircase"):
            calm = Player(self.daemon, name).play(knows, response_ms=lambda row: 2000)
            player, kills = Player(self.daemon, name), 0
            player.unsure = None
            while not self.answer_until_it_dies(player, draw.uniform(0.01, 0.12)):
                kills += 1
                self.restart()
                player.daemon = self.daemon
                ((answers,),) = self.daemon.rows("SELECT count(*) FROM answers WHERE session_id = ?", player.id)
                ((items,),) = self.daemon.rows("SELECT count(*) FROM items WHERE session_id = ?", player.id)
                self.assertEqual(items, min(answers + 1, ITEMS))
                self.assertIn(answers - player.n, (0, 1))  # nothing acknowledged is lost
                self.assertEqual(player.item(items).status, 200)
            self.restart()  # the last timer may have come through
            self.assertGreater(kills, 1)
            self.assertEqual(calm.items(), player.items())


if __name__ == "__main__":
    unittest.main()
