"""Decks in the data base: made, saved, looked at and archived by educators, and started in their newest version."""

import concurrent.futures
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import first_admin, staff  # noqa: E402
from daemon import MODELS, Daemon, DaemonTest, Learner, deck, need_checkpoint  # noqa: E402
from test_decks import SOURCE, deck_2  # noqa: E402

NOBODYS = {**SOURCE, "model": "nobodys"}
STRANGE = {**SOURCE, "classes": {"no": ["no_fracture"], "yes": ["dislocation"]}}


class Editing(DaemonTest):
    decks = [deck("default")]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        admin = first_admin(cls.daemon)
        cls.ada, cls.bob = staff(admin, "educator", "ada"), staff(admin, "educator", "bob")
        cls.researcher, cls.admin = staff(admin, "researcher"), admin

    def make(self, name, **changes):
        answer = self.ada.post("/api/v1/decks", deck_2(name, **changes))
        self.assertEqual(answer.status, 201, answer.body)
        return f"/api/v1/decks/{name}"

    def save(self, browser, path, edited, **changes):
        return browser.post(path, deck_2(path.split("/")[-1], **changes), If_Match=f'"{edited}"')

    def entry(self, name, browser=None):
        (found,) = [one for one in (browser or self.ada).get("/api/v1/catalogue").json["decks"] if one["id"] == name]
        return found

    def open_to_learners(self, name):
        return name in [one["id"] for one in self.daemon.get("/api/v1/decks").json["decks"]]

    def test_a_deck_is_made_found_and_started(self):
        path = self.make("made")
        self.assertTrue(self.open_to_learners("made"))
        self.assertEqual({k: v for k, v in self.entry("made", self.researcher).items() if k != "saved_at"},
                         {"id": "made", "title": "Hips", "version": 1, "saved_by": "ada", "built_in": False,
                          "archived": False, "used": False, "unavailable": None})
        Learner(self.daemon, "made")
        self.assertTrue(self.entry("made")["used"])
        self.assertEqual(self.ada.get(path).headers["ETag"], '"1"')
        self.assertEqual(self.ada.get(path, **{"If-None-Match": '"1"'}).status, 304)
        self.assertEqual(self.ada.get(path, **{"If-None-Match": '"2"'}).status, 200)

    def test_what_is_read_can_be_taken_in_under_another_id_and_is_the_same(self):
        path = self.make("exported", draw={"mode": "fixed", "seed": "77"}, pairs=True)
        file = self.researcher.get(path).json
        self.assertEqual(self.bob.post("/api/v1/decks", {**file, "id": "imported"}).status, 201)
        self.assertEqual({**self.bob.get("/api/v1/decks/imported").json, "id": "exported"}, file)
        self.assertEqual(self.bob.post("/api/v1/decks", file).code, "deck_exists")

    def test_a_wrong_deck_is_refused_with_its_field_and_changes_nothing(self):
        path = self.make("firm")
        empty = [{**SOURCE, "classes": {"no": [], "yes": ["x"]}}]
        for changes, field in (({"prevalence": 1.3}, "deck.prevalence:"), ({"items": 0}, "deck.items:"),
                               ({"extra": 1}, "deck.extra:"), ({"sources": empty}, "deck.sources[0].classes.no:")):
            for answer in (self.ada.post("/api/v1/decks", deck_2("new", **changes)),
                           self.save(self.ada, path, 1, **changes),
                           self.ada.post("/api/v1/preview", deck_2("new", **changes))):
                self.assertEqual((answer.status, answer.code), (422, "wrong_deck"))
                self.assertTrue(answer.json["error"]["message"].startswith(field), answer.body)
        self.assertEqual(self.ada.post(path, deck_2("other"), If_Match='"1"').status, 422)
        self.assertEqual(self.ada.post("/api/v1/decks", json.dumps(deck_2("nan")).replace("0.5", "NaN")).status, 400)
        self.assertEqual(self.entry("firm")["version"], 1)

    def test_of_two_who_save_at_once_one_is_told_and_nothing_is_lost(self):
        path = self.make("shared")
        self.assertEqual(self.save(self.ada, path, 1, title="Ada's").json["deck"]["version"], 2)
        late = self.save(self.bob, path, 1, title="Bob's")
        self.assertEqual((late.status, late.code, late.headers["ETag"]), (412, "outdated", '"2"'))
        self.assertEqual(self.bob.get(path).json["title"], "Ada's")
        self.assertEqual(self.save(self.bob, path, 2, title="Both's").status, 200)
        titles = [self.bob.get(f"{path}?version={n}").json["title"] for n in (1, 2, 3)]
        self.assertEqual(titles, ["Hips", "Ada's", "Both's"])
        versions = self.researcher.get(path + "/versions").json["versions"]
        self.assertEqual([(one["version"], one["saved_by"]) for one in versions], [(3, "bob"), (2, "ada"), (1, "ada")])

    def test_of_many_who_save_at_once_exactly_one_does(self):
        path = self.make("crowd")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda n: self.save(self.ada, path, 1, title=f"T{n}").status, range(24)))
        self.assertEqual(sorted(said), [200] + [412] * 23)
        self.assertEqual(self.entry("crowd")["version"], 2)

    def test_saving_says_which_version_was_edited(self):
        path = self.make("named")
        self.assertEqual(self.ada.post(path, deck_2("named")).status, 428)
        for text in ("1", '"x"', "*", '"1', '"1" ', '"99"', "", '"' + "1" * 40 + '"'):
            self.assertEqual(self.ada.post(path, deck_2("named", title="Other"), If_Match=text).status, 412, text)
        same = self.save(self.ada, path, 1)
        self.assertEqual((same.status, same.json["deck"]["version"]), (200, 1))
        self.assertEqual(self.ada.post("/api/v1/decks/nowhere", deck_2("nowhere"), If_Match='"1"').code, "unknown_deck")

    def test_a_session_goes_on_under_its_version_and_the_next_starts_under_the_newest(self):
        path = self.make("running")
        before = Learner(self.daemon, "running")
        self.save(self.ada, path, 1, question="Other?", rating="two_buttons")
        self.assertEqual(before.item(1).json["item"]["question"], "Is there a fracture?")
        self.assertEqual(before.answer(1, "broken").status, 201)
        after = Learner(self.daemon, "running")
        self.assertEqual((after.deck["question"], after.deck["rating"]), ("Other?", "two_buttons"))
        answer = {"key": "00000000-0000-4000-8000-000000000009", "item": 1, "choice": "broken", "response_ms": 5}
        self.daemon.post(after.url + "/answers", answer, after.secret)
        rows = {row["session_id"]: row["deck_version"] for row in self.daemon.export()}
        self.assertEqual((rows[before.id], rows[after.id]), ("1", "2"))

    def test_an_archived_deck_starts_nothing_and_its_sessions_go_on(self):
        path = self.make("old")
        learner = Learner(self.daemon, "old")
        self.assertEqual(self.bob.post(path + "/archive").status, 200)
        self.assertFalse(self.open_to_learners("old"))
        self.assertEqual(self.daemon.post("/api/v1/sessions", {"deck": "old"}).code, "unknown_deck")
        self.assertEqual(learner.answer(1, "broken").status, 201)
        self.assertTrue(self.entry("old")["archived"])
        self.assertEqual(self.bob.post(path + "/restore").status, 200)
        self.assertTrue(self.open_to_learners("old"))

    def test_the_configurations_decks_are_changed_there_only(self):
        definition = self.ada.get("/api/v1/decks/default").json
        self.assertEqual(self.ada.post("/api/v1/decks/default", definition, If_Match='"1"').code, "built_in")
        self.assertEqual(self.admin.post("/api/v1/decks/default/archive").code, "built_in")
        self.assertTrue(self.entry("default")["built_in"])

    def test_researchers_read_and_change_nothing(self):
        path = self.make("closed")
        self.assertEqual(self.researcher.get(path).status, 200)
        for answer in (self.researcher.post("/api/v1/decks", deck_2("theirs")), self.save(self.researcher, path, 1),
                       self.researcher.post(path + "/archive"), self.researcher.post("/api/v1/preview", deck_2("x"))):
            self.assertEqual((answer.status, answer.code), (403, "wrong_role"))

    def test_every_change_is_in_the_audit_log(self):
        path = self.make("watched")
        self.save(self.bob, path, 1, title="Other")
        self.ada.post(path + "/archive")
        entries = [(e["account"]["name"], e["action"], e["detail"]["version"])
                   for e in self.admin.get("/api/v1/audit").json["entries"] if e["object"] == "deck:watched"]
        self.assertEqual(entries, [("ada", "deck.archive", 2), ("bob", "deck.save", 2), ("ada", "deck.create", 1)])

    def test_a_preview_of_a_fixed_deck_is_what_learners_get(self):
        definition = deck_2("seen", items=6, draw={"mode": "fixed", "seed": "3"},
                            sources=[{**SOURCE, "strength": [0.2, 0.9]}])
        items = self.ada.post("/api/v1/preview", definition).json["items"]
        self.make("seen", **{k: definition[k] for k in ("items", "draw", "sources")})
        rows = self.daemon.rows("SELECT class, seed, strength, truth FROM items WHERE session_id = ? ORDER BY n",
                                Learner(self.daemon, "seen").id)
        self.assertEqual([(i["class"], i["seed"], round(i["strength"], 12), i["choice"]) for i in items],
                         [(row["class"], row["seed"], round(row["strength"], 12), row["truth"]) for row in rows])
        image = self.daemon.get(items[0]["image"])
        self.assertEqual((image.status, image.headers["Content-Type"]), (200, "image/png"))
        gone = {"class": items[0]["class"], "seed": items[0]["seed"]}
        other = self.ada.post("/api/v1/preview", {**definition, "exclude": [gone]}).json["items"]
        self.assertNotIn(items[0]["seed"], [item["seed"] for item in other])
        self.assertEqual([item["seed"] for item in other[1:]], [item["seed"] for item in items[1:]])

    def test_a_deck_without_its_model_or_class_is_listed_with_the_reason_and_cannot_be_started(self):
        for name, source, why in (("gone", NOBODYS, 'The model "nobodys" is not here.'),
                                  ("strange", STRANGE, 'The model "default" has no class "dislocation".')):
            self.make(name, sources=[source])
            self.assertFalse(self.open_to_learners(name))
            self.assertEqual(self.entry(name)["unavailable"], why)
            answer = self.daemon.post("/api/v1/sessions", {"deck": name})
            self.assertEqual((answer.status, answer.code), (409, "deck_unavailable"))
            self.assertIn(why[10:-1], answer.json["error"]["message"])
            self.assertEqual(self.ada.post("/api/v1/preview", deck_2(name, sources=[source])).code, "deck_unavailable")

    def test_a_saved_version_cannot_be_changed_nor_a_used_one_removed_in_the_file(self):
        self.make("kept")
        Learner(self.daemon, "kept")
        connection = sqlite3.connect(self.daemon.db)
        self.addCleanup(connection.close)
        for sql in ("UPDATE deck_versions SET definition = '{}'", "UPDATE deck_versions SET version = version + 1",
                    "DELETE FROM deck_versions WHERE first_used_at IS NOT NULL"):
            with self.assertRaises(sqlite3.IntegrityError):
                connection.execute(sql)


class Configuration(unittest.TestCase):
    def setUp(self):
        need_checkpoint()

    def test_a_changed_configuration_makes_a_version_and_an_absent_deck_is_archived(self):
        daemon = Daemon([deck("one"), deck("two")])
        self.addCleanup(daemon.close)
        learner = Learner(daemon, "two")
        daemon.stop()
        Daemon([deck("one"), deck("two")], folder=daemon.folder).stop()
        again = Daemon([deck("one", items=3)], folder=daemon.folder)
        self.addCleanup(again.end_if_running)
        rows = again.rows("SELECT d.name, v.version, d.archived_at IS NULL AS open FROM deck_versions v"
                          " JOIN decks d ON d.id = v.deck_id ORDER BY 1, 2")
        self.assertEqual([tuple(row) for row in rows], [("one", 1, 1), ("one", 2, 1), ("two", 1, 0)])
        self.assertEqual([(d["id"], d["items"]) for d in again.get("/api/v1/decks").json["decks"]], [("one", 3)])
        learner.daemon = again
        self.assertEqual(learner.answer(1).status, 201)
        again.stop()
        back = Daemon([deck("one", items=3), deck("two")], folder=daemon.folder)
        self.addCleanup(back.end_if_running)
        self.assertEqual(len(back.get("/api/v1/decks").json["decks"]), 2)

    def test_an_educators_deck_keeps_its_name(self):
        daemon = Daemon([deck("default")])
        self.addCleanup(daemon.close)
        staff(first_admin(daemon), "educator").post("/api/v1/decks", deck_2("mine", title="Mine"))
        daemon.stop()
        again = Daemon([deck("default"), deck("mine", title="Theirs")], folder=daemon.folder)
        self.addCleanup(again.end_if_running)
        self.assertEqual({d["id"]: d["title"] for d in again.get("/api/v1/decks").json["decks"]}["mine"], "Mine")
        self.assertIn("deck mine of the configuration is left out", again.log())

    def test_a_deck_whose_model_leaves_the_folder_leaves_the_learners_list(self):
        folder = tempfile.mkdtemp(prefix="roentgymd-models-")
        self.addCleanup(shutil.rmtree, folder)
        for name in ("default", "second"):
            shutil.copy(os.path.join(MODELS, "default.safetensors"), os.path.join(folder, name + ".safetensors"))
        daemon = Daemon([deck("default")], models=folder)
        self.addCleanup(daemon.close)
        ada = staff(first_admin(daemon), "educator")
        ada.post("/api/v1/decks", deck_2("second", sources=[{**SOURCE, "model": "second"}]))
        self.assertEqual(len(daemon.get("/api/v1/decks").json["decks"]), 2)
        daemon.stop()
        os.remove(os.path.join(folder, "second.safetensors"))
        again = Daemon([deck("default")], folder=daemon.folder, models=folder)
        self.addCleanup(again.end_if_running)
        self.assertEqual([d["id"] for d in again.get("/api/v1/decks").json["decks"]], ["default"])
        self.assertEqual(again.post("/api/v1/sessions", {"deck": "second"}).code, "deck_unavailable")


if __name__ == "__main__":
    unittest.main()
