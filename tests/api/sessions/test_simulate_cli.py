"""`roentgym simulate` against a real daemon: a rehearsal whose analysis finds what was simulated."""

import csv
import math
import os
import signal
import subprocess
import sys
import unittest

import numpy as np
from scipy.stats import norm

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import studies  # noqa: E402
from checkpoints import FolderTest  # noqa: E402
from daemon import BUILD, ROOT, Daemon, deck, table  # noqa: E402
from exports import CSV, fetch  # noqa: E402

PROGRAM = os.path.join(BUILD, "roentgym")
FIXED = {"format": 2, "id": "fixed", "title": "Hips", "question": "Is it broken?", "items": 60, "prevalence": 0.4,
         "choices": [{"id": "no", "label": "No"}, {"id": "yes", "label": "Yes"}], "feedback": "none", "time_limit_s": 8,
         "draw": {"mode": "fixed", "seed": "5"},
         "sources": [{"kind": "gan", "model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}]}
LEARNED = {**FIXED, "id": "learned", "items": 200, "prevalence": 0.5, "feedback": "correct", "rating": "two_buttons"}
STEPWISE = {**FIXED, "id": "stepwise", "items": 30, "feedback": "truth", "order": {"rule": "staircase"},
            "sources": [{**FIXED["sources"][0], "strength": [0.05, 1]}]}
del STEPWISE["time_limit_s"], STEPWISE["draw"]


def simulate(daemon, *arguments, status=0, **more):
    """What it printed."""
    done = subprocess.run([PROGRAM, "simulate", "--server", f"http://127.0.0.1:{daemon.port}", "--admin-token-file",
                           os.path.join(daemon.folder, "admin-token"), *map(str, arguments)], cwd=ROOT, text=True,
                          capture_output=True, timeout=120, **more)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stderr if status else done.stdout


def answers(daemon, name="fixed"):
    return table(fetch(daemon, f"{CSV}?simulated=true&deck={name}").body.decode())


def by_session(rows, *columns):
    """What each session answered, whatever it is called, in an order of its own."""
    sessions = {}
    for row in rows:
        sessions.setdefault(row["session_id"], []).append(tuple(row[name] for name in columns))
    return sorted(sessions.values())


def detection(rows):
    """d' and criterion, each with its standard error by the delta method (Gourevitch and Galanter 1967)."""
    seen = {truth: [row["choice"] == "yes" for row in rows if row["truth"] == truth] for truth in ("no", "yes")}
    hits, alarms = np.mean(seen["yes"]), np.mean(seen["no"])
    z = norm.ppf([hits, alarms])
    variances = [p * (1 - p) / len(marks) / norm.pdf(q) ** 2
                 for p, q, marks in ((hits, z[0], seen["yes"]), (alarms, z[1], seen["no"]))]
    error = math.sqrt(sum(variances))
    return (z[0] - z[1], error), (-(z[0] + z[1]) / 2, error / 2)


class Drills(FolderTest):
    def setUp(self):
        super().setUp()
        self.start([FIXED, LEARNED, STEPWISE, deck(items=10)])
        self.out = os.path.join(self.daemon.folder, "out.csv")

    def played(self):
        with open(self.out, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def test_the_export_of_a_rehearsal_gives_back_the_skill_that_was_simulated(self):
        said = simulate(self.daemon, "--deck", "fixed", "--learners", 50, "--out", self.out, "--skill",
                        "d=1.4,criterion=0.25,spread=0,lapse=0", "--skill", "rt=4000,rt-sigma=0.6")
        rows = answers(self.daemon)
        self.assertEqual(len(rows), 50 * 60)
        self.assertIn("50 finished, 3000 answers", said)
        for (found, error), simulated in zip(detection(rows), (1.4, 0.25), strict=True):
            self.assertLess(error, 0.06)
            self.assertLess(abs(found - simulated), 1.96 * error)
        # By the ratings, without the criterion: AUC of two normal distributions is Phi(d' / sqrt 2).
        scores = [np.array([int(row["rating"]) for row in rows if row["truth"] == truth]) for truth in ("no", "yes")]
        auc = np.mean((scores[1][:, None] > scores[0]) + 0.5 * (scores[1][:, None] == scores[0]))
        self.assertAlmostEqual(auc, norm.cdf(1.4 / math.sqrt(2)), delta=0.03)
        times = np.log([float(row["response_ms"]) for row in rows])
        self.assertAlmostEqual(np.mean(times), math.log(4000), delta=3 * 0.6 / math.sqrt(len(times)))
        self.assertAlmostEqual(np.std(times), 0.6, delta=0.03)
        self.assertEqual({row["timed_out"] for row in rows if float(row["response_ms"]) > 8000}, {"1"})
        self.assertEqual({(row["simulated"], row["ui_version"]) for row in rows}, {("1", "simulate")})
        self.assertEqual({row["session_id"] for row in self.played()}, {row["session_id"] for row in rows})
        self.assertEqual(sum(int(row["right"]) for row in self.played()), sum(int(row["correct"]) for row in rows))

    def test_it_leaves_no_trace_in_what_people_did(self):
        simulate(self.daemon, "--deck", "fixed", "--learners", 6)
        self.assertEqual(self.daemon.export(), [])
        self.assertIn('"readers":0', fetch(self.daemon, "/api/v1/decks/fixed/statistics").body.decode())
        self.assertEqual(self.daemon.rows("SELECT count(*) FROM items WHERE image_sha256 IS NULL")[0][0], 0)

    def test_the_same_seed_on_a_fresh_server_gives_the_same_answers(self):
        columns = ("item", "choice", "rating", "response_ms", "timed_out")
        simulate(self.daemon, "--deck", "fixed", "--learners", 6, "--no-images", "--leave", 0.5)
        first = by_session(answers(self.daemon), *columns)
        other = Daemon([FIXED], models=self.models)
        self.addCleanup(other.close)
        simulate(other, "--deck", "fixed", "--learners", 2, "--no-images", "--leave", 0.5, "--at-once", 1)
        simulate(other, "--deck", "fixed", "--learners", 4, "--first", 3, "--no-images", "--leave", 0.5, "--at-once", 3)
        self.assertEqual(by_session(answers(other), *columns), first)
        simulate(other, "--deck", "fixed", "--learners", 6, "--no-images", "--seed", 2)
        self.assertNotEqual(by_session(answers(other), *columns)[:len(first)], first)

    def test_the_same_seed_shows_the_same_images_of_a_deck_that_draws_others_for_everybody(self):
        columns = ("item", "seed", "class_label", "truth", "choice", "response_ms")
        simulate(self.daemon, "--deck", "default", "--learners", 5, "--no-images")
        other = Daemon([deck(items=10)], models=self.models)
        self.addCleanup(other.close)
        simulate(other, "--deck", "default", "--learners", 5, "--no-images")
        self.assertEqual(by_session(answers(other, "default"), *columns), by_session(answers(self.daemon, "default"), *columns))
        self.assertEqual(len({row["seed"] for row in answers(other, "default")}), 50)

    def test_feedback_teaches_and_its_absence_does_not(self):
        for name in ("learned", "fixed"):
            simulate(self.daemon, "--deck", name, "--learners", 12, "--no-images", "--out", self.out, "--skill",
                     "d=0.5,max=3,learn=0.03,spread=0,lapse=0")
            start, end = ({float(row[column]) for row in self.played()} for column in ("d_gan", "d_gan_end"))
            self.assertEqual(start, {0.5})
            expected = 0.5 + 2.5 * (1 - math.exp(-0.03 * 200)) if name == "learned" else 0.5
            self.assertEqual(end, {round(expected, 4)})
        rows = answers(self.daemon, "learned")
        early, late = ([int(row["correct"]) for row in rows if low < int(row["item"]) <= high]
                       for low, high in ((0, 20), (150, 200)))
        self.assertGreater(np.mean(late), np.mean(early) + 0.15)
        self.assertEqual({row["rating"] for row in rows}, {"1", "6"})  # two buttons

    def test_a_deck_that_decides_by_the_answers_is_played_too(self):
        said = simulate(self.daemon, "--deck", "stepwise", "--learners", 3)
        self.assertIn("3 finished, 90 answers", said)

    def test_who_leaves_does_so_in_the_middle(self):
        said = simulate(self.daemon, "--deck", "fixed", "--learners", 30, "--no-images", "--leave", 0.4, "--out", self.out)
        left = [row for row in self.played() if row["outcome"] == "left"]
        self.assertIn(f"{30 - len(left)} finished, {len(left)} left", said)
        self.assertTrue(6 <= len(left) <= 18 and all(int(row["answers"]) < 60 for row in left))

    def test_a_signal_stops_it_after_the_answers_under_way(self):
        process = subprocess.Popen(
            [PROGRAM, "simulate", "--server", f"http://127.0.0.1:{self.daemon.port}", "--deck", "learned", "--learners", "500",
             "--at-once", "4", "--admin-token-file", os.path.join(self.daemon.folder, "admin-token")], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        while not answers(self.daemon, "learned"):
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertRegex(out, r"4 stopped, \d+ answers, .* right\nstopped; --first \d+ --learners \d+ goes on\n$")

    def test_what_goes_wrong_is_one_line(self):
        base = ("--deck", "fixed")
        cases = [(("--deck", "none"), 1, "There is no such deck"), ((), 2, "one of --deck and --study"),
                 ((*base, "--study", "x"), 2, "one of --deck and --study"), (("--study", "none"), 1, "There is no such study"),
                 ((*base, "--learners", "0"), 2, "--learners '0'"), ((*base, "--skill", "gan:lapse=0"), 2, "'gan:lapse=0'"),
                 ((*base, "--skill", "d=1,learn=2"), 2, "'learn=2'"), (("--deck", "a/b"), 2, "--deck 'a/b'"),
                 ((*base, "--server", "ftp://x"), 2, "--server 'ftp://x'"), ((*base, "more"), 2, "'more'"),
                 ((*base, "--admin-token-file", "/none"), 1, "/none"), ((*base, "--leave", "2"), 2, "--leave '2'"),
                 ((*base, "--admin-token-file", os.path.join(ROOT, "README.md")), 1, "README.md: ")]
        for arguments, status, word in cases:
            with self.subTest(arguments=arguments):
                said = simulate(self.daemon, *arguments, status=status)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn(word, said)
        with open(self.out, "w", encoding="ascii") as file:
            file.write("0" * 64)
        self.assertIn("401", simulate(self.daemon, *base, "--admin-token-file", self.out, status=1))
        self.assertEqual(self.daemon.rows("SELECT count(*) FROM answers")[0][0], 0)

    def test_a_server_that_is_not_there_is_told(self):
        port = self.daemon.port
        self.daemon.end_if_running()
        done = subprocess.run([PROGRAM, "simulate", "--deck", "fixed", "--server", f"http://127.0.0.1:{port}", "--at-once", "2",
                               "--admin-token-file", os.path.join(self.daemon.folder, "admin-token")], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, rf"^roentgym simulate: http://127\.0\.0\.1:{port}: .+\n$")


WAITING = [{"id": "before", "kind": "test", "deck": "exam"},
           {"id": "practice", "kind": "training", "opens_after_days": 1, "closes_after_days": 9},
           {"id": "after", "kind": "test", "deck": "exam", "opens_after_days": 7}]


class Studies(studies.StudyTest):
    def of_program(self, query):
        return self.researcher.get("/api/v1/studies/hips-2026/" + query)

    def test_a_whole_study_is_rehearsed_apart_from_people(self):
        self.open("hips-2026", phases=WAITING)
        person = studies.Person(self.daemon)
        person.enrol()
        out = os.path.join(self.daemon.folder, "out.csv")
        said = simulate(self.daemon, "--study", "hips-2026", "--learners", 40, "--leave", 0.05, "--withdraw", 0.2,
                        "--other-device", 0.5, "--out", out)
        with open(out, encoding="utf-8", newline="") as file:
            played = list(csv.DictReader(file))
        outcomes = [row["outcome"] for row in played]
        self.assertGreater(outcomes.count("finished"), 20)
        self.assertGreater(outcomes.count("withdrew"), 2)
        self.assertNotIn("waits", outcomes)
        self.assertIn(f"{outcomes.count('finished')} finished", said)
        # In both arms, in blocks, whose sizes are 2 and 4 in each of two strata.
        arms = self.daemon.rows("SELECT arm, count(*) AS count FROM participants WHERE simulated GROUP BY arm")
        gone = self.daemon.rows("SELECT arm, count(*) AS count FROM withdrawals WHERE simulated AND form = 'delete' GROUP BY arm")
        count = {row["arm"]: row["count"] for row in arms}
        for row in gone:
            count[row["arm"]] += row["count"]
        self.assertEqual(sum(count.values()), 40)
        self.assertLessEqual(abs(count["drawn"] - count["real"]), 4)
        # What researchers get, of people and of the program.
        people, program = (table(self.of_program("export/responses.csv" + query).body.decode()) for query in
                           ("", "?simulated=true"))
        self.assertEqual(people, [])
        self.assertEqual({row["phase"] for row in program}, {"before", "practice", "after"})
        codes = {row["participant_id"] for row in played if row["outcome"] == "finished"}
        self.assertLessEqual(codes, {row["participant_id"] for row in program})
        flow, rehearsed = (self.of_program("flow" + query).json["flow"] for query in ("", "?simulated=true"))
        self.assertEqual((flow["consented"], rehearsed["consented"]), (1, 40))
        self.assertEqual(len(self.of_program("participants").json["participants"]), 1)
        self.assertGreater(len(self.of_program("participants?simulated=true").json["participants"]), 30)
        cells = self.of_program("statistics?simulated=true").json["statistics"]["cells"]
        self.assertGreater(sum(len(cell["participants"]) for cell in cells), 60)
        self.assertEqual(sum(len(cell["participants"]) for cell in self.of_program("statistics").json["statistics"]["cells"]), 0)
        # People wait for their phase, and their arms are drawn as if nobody had rehearsed.
        self.assertEqual([row[0] for row in self.daemon.rows("SELECT allocation_n FROM participants WHERE NOT simulated")], [0])

    def test_the_same_seed_gives_the_same_study_on_a_fresh_server(self):
        def rehearsed():
            class Fresh(studies.StudyTest):
                pass
            Fresh.setUpClass()
            try:
                Fresh().open("hips-2026")
                simulate(Fresh.daemon, "--study", "hips-2026", "--learners", 6, "--at-once", 1, "--withdraw", 0.3,
                         "--other-device", 0.5)
                return [tuple(row) for row in Fresh.daemon.rows(
                    "SELECT q.arm, q.stratum, k.phase, i.n, i.class, i.source, i.seed, i.library_image_id, a.choice, a.rating,"
                    " a.response_ms, w.answer FROM participants q JOIN participant_sessions k ON k.participant_id = q.id"
                    " JOIN answers a ON a.session_id = k.session_id"
                    " JOIN items i ON i.session_id = a.session_id AND i.n = a.item"
                    " LEFT JOIN participant_answers w ON w.participant_id = q.id ORDER BY q.id, a.id, w.question")]
            finally:
                Fresh.doClassCleanups()
        first = rehearsed()
        self.assertGreater(len(first), 40)
        self.assertEqual(rehearsed(), first)


if __name__ == "__main__":
    unittest.main()
