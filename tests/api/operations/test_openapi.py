"""Every route of server/openapi.json: called as everybody who may not, and, where it may be, held to its schema."""

import os
import re
import sys
import unittest

import jsonschema

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import Browser, first_admin, staff  # noqa: E402
from daemon import OPENAPI, ROOT, DaemonTest, Learner, deck, resolve  # noqa: E402
from studies import study  # noqa: E402

ROLES = ("anyone", "learner", "staff", "educator", "researcher", "admin")
WHO = ("nobody", "learner", "educator", "researcher", "admin")

# Who may use a route of that x-role, the learner being one with the secret of the session that is asked for.
MAY = {
    "anyone": set(WHO),
    "learner": {"learner"},
    "staff": {"educator", "researcher", "admin"},
    "educator": {"educator", "admin"},
    "researcher": {"researcher", "admin"},
    "admin": {"admin"},
}


def operations():
    for path, methods in OPENAPI["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


class Document(unittest.TestCase):
    def test_it_is_a_schema_that_jsonschema_takes(self):
        for name, schema in OPENAPI["components"]["schemas"].items():
            with self.subTest(schema=name):
                jsonschema.Draft202012Validator.check_schema(schema)

    def test_server_and_file_name_the_same_routes_with_the_same_roles(self):
        with open(os.path.join(ROOT, "server/api/routes.c"), encoding="utf-8") as file:
            table = re.findall(r'{"(GET|POST|PUT|DELETE)", "([^"]+)", \w+, SRV_(\w+)}', file.read())
        served = {(method, path, role.lower()) for method, path, role in table}
        self.assertEqual(len(served), len(table))
        self.assertEqual(served, {(method, path, operation["x-role"]) for method, path, operation in operations()})

    def test_its_routes_stand_by_tag_and_each_says_the_same_things_in_the_same_order(self):
        keys = ("tags", "summary", "description", "x-role", "security", "parameters", "requestBody", "responses")
        tags = [operation["tags"] for _, _, operation in operations()]
        self.assertEqual([[tag["name"]] for tag in OPENAPI["tags"]], [tag for i, tag in enumerate(tags) if tag not in tags[:i]])
        self.assertEqual(tags, sorted(tags, key=lambda tag: tags.index(tag)))
        for method, path, operation in operations():
            with self.subTest(route=f"{method} {path}"):
                self.assertEqual(list(operation), [key for key in keys if key in operation])
                self.assertLessEqual({"tags", "summary", "x-role", "responses"}, set(operation))
                self.assertEqual(list(operation["responses"]), sorted(operation["responses"]))
                names = re.findall(r"{(\w+)}", path)
                parameters = [resolve(one) for one in operation.get("parameters", [])]
                self.assertEqual([one["name"] for one in parameters if one["in"] == "path"], names)

    def test_every_route_says_who_may_use_it_and_that_others_are_refused(self):
        for method, path, operation in operations():
            with self.subTest(route=f"{method} {path}"):
                role = operation["x-role"]
                self.assertIn(role, ROLES)
                self.assertEqual(bool(operation.get("security")), role != "anyone")
                if role != "anyone":
                    self.assertIn("401", operation["responses"])
                if role not in ("anyone", "learner"):
                    self.assertIn("403", operation["responses"])


class Roles(DaemonTest):
    fixed = {**deck("fixed", items=2), "format": 2, "draw": {"mode": "fixed", "seed": "1"}, "sources": [
        {"kind": "gan", "model": "default", "classes": {"no": ["no_fracture"], "yes": ["fracture"]}}]}
    del fixed["model"]
    decks = [deck(items=2), fixed]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.learner, cls.other = Learner(cls.daemon), Learner(cls.daemon)
        admin = first_admin(cls.daemon)
        code = admin.post("/api/v1/simulated-learners", {"draw_seed": "1"}).json["learner"]["code"]
        cls.simulated = Learner(cls.daemon, learner=code)
        cls.browsers = {"nobody": Browser(cls.daemon), "learner": Browser(cls.daemon), "admin": admin,
                        "educator": staff(admin, "educator"), "researcher": staff(admin, "researcher")}
        made = cls.browsers["educator"].post("/api/v1/classes", {"title": "A class", "deck": "default"})
        cls.a_class = made.json["class"]["code"]
        cls.study = cls.an_open_study(cls.browsers["researcher"])
        cls.image = cls.learner.item(1).json["item"]["image"].split("/")[-1][:-4]

    @staticmethod
    def an_open_study(researcher):
        """Its id."""
        arms = [{"id": name, "label": name, "deck": "default"} for name in ("one", "two")]
        made = researcher.post("/api/v1/studies", study("walked", arms=arms, phases=[{"id": "train", "kind": "training"}]))
        assert made.status == 201, made.body
        opened = researcher.post("/api/v1/studies/walked/open", If_Match='"1"')
        assert opened.status == 200, opened.body
        return "walked"

    def path(self, pattern):
        of_a_sample = pattern.startswith("/api/v1/samples/")  # there {class} is a class of images, else of learners
        session = self.simulated if pattern.endswith("/truths") else self.learner
        values = {"study": self.study, "session": session.id, "n": "1", "model": "default", "seed": "1", "image": self.image,
                  "deck": "fixed" if pattern.endswith("/moodle.xml") else "default",
                  "class": "fracture" if of_a_sample else self.a_class}
        return re.sub(r"{(\w+)}", lambda match: values.get(match[1], "1"), pattern)

    def call(self, who, method, path, secret=None):
        browser = self.browsers[who]
        more = {"Authorization": "Bearer " + secret} if secret else {}
        if method == "GET":
            return browser.get(path, **more)
        return browser.post(path, {}, **more)

    def test_every_route_refuses_everybody_who_may_not(self):
        refused = 0
        for method, pattern, operation in operations():
            for who in WHO:
                if who in MAY[operation["x-role"]]:
                    continue
                if operation["x-role"] == "learner":  # a session of somebody else's, too
                    self.assertEqual(self.call(who, method, self.path(pattern), self.other.secret).status, 401)
                secret = self.other.secret if who == "learner" else None
                with self.subTest(route=f"{method} {pattern}", who=who):
                    answer = self.call(who, method, self.path(pattern), secret)
                    staff_refused = who in ("educator", "researcher") and operation["x-role"] != "learner"
                    self.assertEqual(answer.status, 403 if staff_refused else 401, answer.body)
                    self.assertEqual(answer.code == "wrong_role", staff_refused)
                    refused += 1
        self.assertGreater(refused, 50)

    def test_a_wrong_admin_token_opens_nothing_even_beside_a_right_cookie(self):
        for method, pattern, operation in operations():
            if operation["x-role"] in ("anyone", "learner"):
                continue
            for token in ("0" * 64, "", self.learner.secret):
                answer = self.daemon.request(method, self.path(pattern), headers=self.browsers["admin"].headers(
                    {"Authorization": "Bearer " + token}))
                self.assertEqual((answer.status, answer.code), (401, "wrong_token"), pattern)

    def test_what_anybody_may_read_and_staff_may_read_is_as_described(self):
        for method, pattern, operation in operations():
            if method != "GET":
                continue
            for who in MAY[operation["x-role"]]:
                secret = self.learner.secret if operation["x-role"] == "learner" else None
                if pattern in ("/api/v1/learner", "/api/v1/learner/statistics", "/api/v1/studies/{study}/participant"):
                    secret = self.daemon.request("POST", "/api/v1/learners").json["learner"]["code"]
                answer = self.call(who, method, self.path(pattern), secret)
                with self.subTest(route=f"{method} {pattern}", who=who):
                    parameters = [resolve(one) for one in operation.get("parameters", [])]
                    asks = [one for one in parameters if one["in"] == "query" and one["required"]]
                    there = "{study}" in pattern and who != "learner"
                    self.assertIn(answer.status, (422,) if asks else (200,) if there else (200, 404))
                    self.assertIn(str(answer.status), operation["responses"])
                    content = operation["responses"]["200"]["content"]
                    if answer.status == 200 and "application/json" in content:
                        schema = {**content["application/json"]["schema"], "components": OPENAPI["components"]}
                        jsonschema.Draft202012Validator(schema).validate(answer.json)


if __name__ == "__main__":
    unittest.main()
