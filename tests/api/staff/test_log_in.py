"""Logging in and out, guessing at passwords, and requests that pages of other sites forge."""

import os
import re
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import PASSWORD, AccountsTest, Browser, change, first_admin  # noqa: E402
from daemon import Daemon, need_checkpoint  # noqa: E402

ME, LOGIN, LOGOUT = "/api/v1/me", "/api/v1/login", "/api/v1/logout"


class LogIn(AccountsTest):
    def test_the_cookie_is_for_this_site_and_not_for_scripts(self):
        browser = Browser(self.daemon)
        answer = browser.log_in("admin")
        self.assertEqual(answer.status, 200)
        self.assertRegex(answer.headers["Set-Cookie"],
                         r"^roentgym_session=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800$")
        self.assertNotIn(browser.cookie.encode(), answer.body)
        self.assertEqual(browser.get(ME).json, answer.json)

    def test_each_log_in_is_a_new_session_whatever_cookie_came_with_it(self):
        browser, planted = Browser(self.daemon), "f" * 64
        browser.cookie = planted
        browser.log_in("admin")
        self.assertNotEqual(browser.cookie, planted)
        first = browser.cookie
        browser.log_in("admin")
        self.assertNotEqual(browser.cookie, first)
        browser.cookie = planted
        self.assertEqual(browser.get(ME).status, 401)

    def test_after_log_out_the_cookie_is_worth_nothing(self):
        browser = Browser(self.daemon)
        browser.log_in("admin")
        kept = browser.cookie
        answer = browser.post(LOGOUT)
        self.assertIn("Max-Age=0", answer.headers["Set-Cookie"])
        browser.cookie = kept
        refused = browser.get(ME)
        self.assertEqual((refused.status, refused.code), (401, "not_logged_in"))
        self.assertIn("Max-Age=0", refused.headers["Set-Cookie"])
        self.assertEqual(self.admin.get(ME).status, 200)

    def test_only_hashes_are_kept(self):
        browser = self.new()
        with open(self.daemon.db, "rb") as file, open(self.daemon.db + "-wal", "rb") as log:
            kept = file.read() + log.read()
        for secret in (browser.cookie, browser.csrf, PASSWORD):
            self.assertNotIn(secret.encode(), kept)
        for row in self.daemon.rows("SELECT password FROM accounts"):
            self.assertRegex(row["password"], r"^\$argon2id\$v=19\$m=65536,t=2,p=1\$")
        for secret in (browser.cookie, browser.csrf, PASSWORD, browser.account["name"]):
            self.assertNotIn(secret, self.daemon.log())

    def test_unknown_name_wrong_password_and_disabled_account_are_told_apart_by_nothing(self):
        disabled = self.new()
        self.account(disabled, "disable")
        answers = [Browser(self.daemon).log_in(name, password) for name, password in (
            ("admin", "wrong password"), ("nobody here", "wrong password"), ("nobody here", PASSWORD),
            (disabled.account["name"], PASSWORD), ("admin", ""), ("", ""), ("admin", "x" * 2000))]
        for answer in answers:
            self.assertEqual((answer.status, answer.body), (401, answers[0].body))
            self.assertEqual(answer.headers["Set-Cookie"], None)

    def test_an_expired_session_is_none(self):
        for column, age in (("last_used_at", "-13 hours"), ("created_at", "-8 days")):
            browser = self.new()
            change(self.daemon, f"UPDATE account_sessions SET {column} = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)"
                   " WHERE account_id = ?", age, browser.account["id"])
            self.assertEqual(browser.get(ME).code, "not_logged_in")

    def test_cookies_of_every_form_are_refused_without_harm(self):
        browser = Browser(self.daemon)
        browser.log_in("admin")
        right = "roentgym_session=" + browser.cookie
        for cookie in ("", ";", "=", right + "0", right[:-1], right.upper(), right + "; " + right, '"' + right + '"',
                       "roentgym_session=", "roentgym_session", "roentgym_session=' OR 1=1 --", "a=b; " * 20 + "x",
                       right.replace("=", " ="), "roentgym_session=" + "g" * 64):
            with self.subTest(cookie=cookie[:80]):
                self.assertEqual(self.daemon.get(ME, Cookie=cookie).status, 401)
        for cookie in (";" * 5000, "a=b; " * 1000 + right):  # more than the HTTP library has room for
            self.assertEqual(self.daemon.request("GET", ME, headers={"Cookie": cookie}, check=False).status, 431)
        for cookie in (right, "a=b; " + right, right + "; a=b", right + ";"):
            self.assertEqual(self.daemon.get(ME, Cookie=cookie).status, 200)

    def test_the_operator_is_an_administrator_without_an_account(self):
        token = self.daemon.admin_token()
        me = self.daemon.get(ME, token).json
        self.assertEqual(me, {"account": {"id": 0, "name": "operator", "role": "admin"}, "csrf_token": None})
        answer = self.daemon.post("/api/v1/invitations", {"role": "educator"}, token)
        self.assertEqual(answer.status, 201)
        self.assertIsNone(self.audit()[0]["account"])
        self.assertEqual(self.daemon.post("/api/v1/me/password", {"current": "x" * 8, "new": "y" * 8}, token).code,
                         "no_account")


class Guessing(unittest.TestCase):
    def setUp(self):
        need_checkpoint()
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.admin = first_admin(self.daemon)

    def guess_until_slowed(self, name):
        """Guesses until the next one must wait four seconds or more; the codes, and the last answer."""
        codes = []
        while True:
            answer = Browser(self.daemon).log_in(name, "wrong password")
            codes.append(answer.code)
            if answer.status == 429:
                if int(answer.headers["Retry-After"]) >= 4:
                    return codes, answer
                time.sleep(int(answer.headers["Retry-After"]))

    def test_a_name_is_slowed_alike_whether_there_is_such_an_account_or_not(self):
        for name in ("nobody", "admin"):
            codes, refused = self.guess_until_slowed(name)
            self.assertEqual(codes[:5], ["wrong_login"] * 5)
            self.assertEqual(set(codes[5:]), {"wrong_login", "too_many_attempts"})
            self.assertIn(f"wait {refused.headers['Retry-After']} seconds", refused.json["error"]["message"])
        refused = Browser(self.daemon).log_in("ADMIN")  # right, but too soon, and the same name
        self.assertEqual((refused.status, refused.code), (429, "too_many_attempts"))
        self.assertEqual(self.admin.get(ME).status, 200)
        time.sleep(int(refused.headers["Retry-After"]))
        self.assertEqual(Browser(self.daemon).log_in("admin").status, 200)
        self.assertEqual(Browser(self.daemon).log_in("admin", "wrong password").code, "wrong_login")

    def test_many_at_once_are_no_more_tries_than_one_after_another(self):
        answers, began = [], time.monotonic()
        threads = [threading.Thread(target=lambda: answers.append(Browser(self.daemon).log_in("x", "wrong password").code))
                   for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLessEqual(answers.count("wrong_login"), 6 + time.monotonic() - began)  # five, and one a second

    def test_a_flood_of_log_ins_takes_little_memory_and_holds_up_no_learner(self):
        def peak_mb():
            with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as file:
                return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024

        before, codes = peak_mb(), []

        def flood(n):
            codes.append(Browser(self.daemon).log_in(f"name {n}", "wrong password").code)

        threads = [threading.Thread(target=flood, args=(n,)) for n in range(100)]
        for thread in threads:
            thread.start()
        self.assertEqual(self.daemon.get("/api/v1/decks").status, 200)
        for thread in threads:
            thread.join()
        self.assertEqual(set(codes) - {"wrong_login", "busy"}, set())
        self.assertLess(peak_mb() - before, 2 * 64 + 64)

    def test_an_unknown_name_is_as_much_work_as_a_known_one(self):
        def ticks():
            with open(f"/proc/{self.daemon.process.pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")")[1].split()
            return int(fields[11]) + int(fields[12])

        def work(name):
            before = ticks()
            for _ in range(5):
                self.assertEqual(Browser(self.daemon).log_in(name, "wrong password").code, "wrong_login")
            return ticks() - before

        known, unknown = work("admin"), work("nobody")
        self.assertGreater(min(known, unknown), 5)  # hashing is what costs: five without it take less than a tick
        self.assertLess(max(known, unknown) / min(known, unknown), 2)


class Forgery(AccountsTest):
    def test_changes_need_the_token_of_the_same_session(self):
        other = self.new("admin")
        self.assertEqual(self.admin.post("/api/v1/invitations", {"role": "educator"}).status, 201)
        for token in (None, "", "0" * 64, other.csrf, self.admin.csrf[:-1], self.admin.csrf.upper(), self.admin.cookie):
            answer = self.admin.post("/api/v1/invitations", {"role": "admin"}, X_CSRF_Token=token)
            self.assertEqual((answer.status, answer.code), (403, "wrong_csrf_token"))
        self.assertEqual(self.admin.post(LOGOUT, X_CSRF_Token=None).status, 403)
        self.assertEqual(self.admin.get(ME).status, 200)

    def test_another_sites_page_is_refused_even_with_the_token(self):
        ours = f"http://127.0.0.1:{self.daemon.port}"
        for origin in ("https://evil.example", "null", "", ours + ".evil.example", ours + "0", "127.0.0.1"):
            with self.subTest(origin=origin):
                answer = self.admin.post("/api/v1/invitations", {"role": "admin"}, Origin=origin)
                self.assertEqual((answer.status, answer.code), (403, "foreign_origin"))
                answer = Browser(self.daemon).post(LOGIN, {"name": "admin", "password": PASSWORD}, Origin=origin)
                self.assertEqual((answer.status, answer.code), (403, "foreign_origin"))
        self.assertEqual(self.admin.post("/api/v1/invitations", {"role": "educator"}, Origin=ours).status, 201)

    def test_a_form_of_another_site_cannot_log_anybody_in(self):
        for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
            answer = self.daemon.request("POST", LOGIN, '{"name":"admin","password":"%s"}' % PASSWORD,
                                         {"Content-Type": kind})
            self.assertEqual(answer.status, 415)

    def test_with_a_public_url_only_its_pages_count_and_the_cookie_is_for_https(self):
        daemon = Daemon(public_url="https://roentgym.example.org")
        self.addCleanup(daemon.close)
        line = daemon.process.stdout.readline()
        link = line.split()[-1]
        self.assertTrue(link.startswith("https://roentgym.example.org/setup.html#"), line)
        browser = Browser(daemon)
        answer = browser.use(link, "admin")
        self.assertRegex(answer.headers["Set-Cookie"], r"^__Host-roentgym_session=[0-9a-f]{64}; Path=/; .*; Secure$")
        for planted in ("f" * 64, browser.cookie):  # what another host of the domain can set counts for nothing
            self.assertEqual(browser.get(ME, Cookie=f"roentgym_session={planted}").status, 401)
            self.assertEqual(browser.get(ME, Cookie=f"roentgym_session={planted}; {browser.cookie_name}={browser.cookie}").status, 200)
        for origin, status in (("https://roentgym.example.org", 201), ("http://roentgym.example.org", 403),
                               (f"http://127.0.0.1:{daemon.port}", 403)):
            self.assertEqual(browser.post("/api/v1/invitations", {"role": "educator"}, Origin=origin).status, status)

    def test_a_public_url_that_browsers_never_send_is_refused_at_the_start(self):
        for url in ("roentgym.example.org", "https://", "https://a.example/", "ftp://a.example", "https://a b"):
            with self.assertRaisesRegex(AssertionError, "public_url"):
                Daemon(public_url=url)


if __name__ == "__main__":
    unittest.main()
