"""Accounts as their holders meet them: links, log-in, log-out, passwords, administration, the audit log."""

import re
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

from accounts import PASSWORD, Browser, first_admin, staff
from daemon import PROGRAM, ROOT, Daemon, DaemonTest, deck, need_checkpoint

ME, LOGIN, LOGOUT, ACCOUNTS = "/api/v1/me", "/api/v1/login", "/api/v1/logout", "/api/v1/accounts"


def change(daemon, sql, *values):
    connection = sqlite3.connect(daemon.db, timeout=10)
    with connection:
        connection.execute(sql, values)
    connection.close()


class AccountsTest(DaemonTest):
    decks = [deck(items=2)]
    made = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = first_admin(cls.daemon)

    def new(self, role="educator"):
        AccountsTest.made += 1
        return staff(self.admin, role, f"{role} {AccountsTest.made}")

    def account(self, browser, what, value=None):
        return self.admin.post(f"{ACCOUNTS}/{browser.account['id']}/{what}", value)

    def link(self, role="educator"):
        return self.admin.post("/api/v1/invitations", {"role": role}).json["invitation"]["link"]

    def audit(self):
        return self.admin.get("/api/v1/audit").json["entries"]


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
        with open(self.daemon.folder + "/admin-token", encoding="ascii") as file:
            token = file.read().strip()
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
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(Browser(self.daemon).log_in("x", "wrong password").code))
                   for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLessEqual(answers.count("wrong_login"), 8)  # five, and one a second or so

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
        self.assertIn("; Secure", answer.headers["Set-Cookie"])
        for origin, status in (("https://roentgym.example.org", 201), ("http://roentgym.example.org", 403),
                               (f"http://127.0.0.1:{daemon.port}", 403)):
            self.assertEqual(browser.post("/api/v1/invitations", {"role": "educator"}, Origin=origin).status, status)

    def test_a_public_url_that_browsers_never_send_is_refused_at_the_start(self):
        for url in ("roentgym.example.org", "https://", "https://a.example/", "ftp://a.example", "https://a b"):
            with self.assertRaisesRegex(AssertionError, "public_url"):
                Daemon(public_url=url)


class Links(AccountsTest):
    def test_an_invitation_says_what_it_is_for_and_is_good_once(self):
        token = self.link("researcher").split("#")[1]
        seen = Browser(self.daemon).post("/api/v1/invitation/look", {"token": token})
        self.assertEqual((seen.json["invitation"]["role"], seen.json["invitation"]["purpose"]), ("researcher", "invite"))
        self.assertIn(seen.json["invitation"]["expires_at"],
                      [i["expires_at"] for i in self.admin.get("/api/v1/invitations").json["invitations"]])
        browser = Browser(self.daemon)
        answer = browser.use("#" + token, "Zoë O'Brien; DROP TABLE accounts;--")
        self.assertEqual((answer.status, browser.account["role"]), (200, "researcher"))
        self.assertEqual(Browser(self.daemon).use("#" + token, "second").code, "unknown_invitation")
        self.assertEqual(Browser(self.daemon).post("/api/v1/invitation/look", {"token": token}).status, 404)
        again = Browser(self.daemon)
        self.assertEqual(again.log_in("zoë o'brien; drop table accounts;--").status, 200)

    def test_of_two_at_once_one_gets_the_account(self):
        link, browsers = self.link(), [Browser(self.daemon) for _ in range(8)]
        threads = [threading.Thread(target=browser.use, args=(link, f"racer {i}")) for i, browser in enumerate(browsers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len([b for b in browsers if b.account]), 1)
        self.assertEqual(self.daemon.rows("SELECT count(*) AS n FROM accounts WHERE name LIKE 'racer %'")[0]["n"], 1)

    def test_a_name_that_is_taken_leaves_the_link_as_it_was(self):
        link = self.link()
        self.assertEqual(Browser(self.daemon).use(link, "ADMIN").code, "name_taken")
        self.assertEqual(Browser(self.daemon).use(link, "still free").status, 200)

    def test_names_and_passwords_outside_the_rules_are_refused_and_change_nothing(self):
        link, browser = self.link(), Browser(self.daemon)
        for name in ("", " ", " x", "x ", "a\nb", "a\u0000b", "x" * 81, "ë" * 41):
            self.assertIn(browser.use(link, name).status, (400, 422))
        for password in ("", "1234567", "x" * 1025, "ë" * 513):
            self.assertEqual(browser.use(link, "somebody", password).status, 422)
        self.assertEqual(browser.use(link).status, 422)
        self.assertEqual(browser.post("/api/v1/invitation/use", {"token": 1, "password": "x" * 8}).status, 400)
        long = "密码🔑" * 102
        self.assertEqual(browser.use(link, "名前", long).status, 200)
        self.assertEqual(Browser(self.daemon).log_in("名前", long).status, 200)
        self.assertEqual(Browser(self.daemon).log_in("名前", long[:-1]).status, 401)

    def test_tokens_that_are_none_are_refused(self):
        for token in ("", "0" * 64, "x" * 60000, "' OR 1=1 --"):
            self.assertEqual(Browser(self.daemon).use("#" + token, "x").code, "unknown_invitation")

    def test_expired_and_revoked_links_are_no_use(self):
        link = self.link()
        identity = max(i["id"] for i in self.admin.get("/api/v1/invitations").json["invitations"])
        self.assertEqual(self.admin.post(f"/api/v1/invitations/{identity}/revoke").status, 200)
        self.assertEqual(self.admin.post(f"/api/v1/invitations/{identity}/revoke").status, 404)
        self.assertEqual(Browser(self.daemon).use(link, "late").status, 404)
        link = self.link()
        change(self.daemon, "UPDATE invitations SET expires_at = '2020-01-01T00:00:00.000Z' WHERE used_at IS NULL")
        self.assertEqual(Browser(self.daemon).use(link, "late").status, 404)

    def test_a_reset_link_gives_a_new_password_and_ends_the_old_sessions(self):
        browser = self.new()
        name = browser.account["name"]
        link = self.account(browser, "reset").json["invitation"]["link"]
        self.assertEqual(Browser(self.daemon).post("/api/v1/invitation/look", {"token": link.split("#")[1]})
                         .json["invitation"]["name"], name)
        fresh = Browser(self.daemon)
        self.assertEqual(fresh.use(link, password="another password").json["account"], browser.account)
        self.assertEqual(browser.get(ME).status, 401)
        self.assertEqual(fresh.get(ME).status, 200)
        self.assertEqual(Browser(self.daemon).log_in(name).status, 401)
        self.assertEqual(Browser(self.daemon).log_in(name, "another password").status, 200)


class FirstAdmin(unittest.TestCase):
    def setUp(self):
        need_checkpoint()

    def wait_for_log(self, daemon, text):
        until = time.monotonic() + 20
        while text not in daemon.log() and time.monotonic() < until:
            time.sleep(0.02)
        self.assertIn(text, daemon.log())

    def test_the_link_is_on_standard_output_once_and_in_no_log(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        link = daemon.admin_link()
        self.assertTrue(link.startswith(f"http://127.0.0.1:{daemon.port}/setup.html#"))
        self.assertNotIn(link.split("#")[1], daemon.log())
        self.wait_for_log(daemon, "there is no administrator yet")
        daemon.stop()
        again = Daemon(folder=daemon.folder)
        self.addCleanup(again.close)
        self.wait_for_log(again, "--admin-link prints a new link")
        flag = subprocess.run([PROGRAM, "--config", again.config_path, "--admin-link"], cwd=ROOT, check=True,
                              capture_output=True, text=True)
        new = flag.stdout.split()[-1]
        self.assertEqual(Browser(again).use(link, "old").status, 404)
        admin = Browser(again)
        self.assertEqual(admin.use(new, "admin").json["account"]["role"], "admin")
        self.assertNotIn(new.split("#")[1], flag.stderr + again.log())
        actions = [(e["action"], e["account"] and e["account"]["name"]) for e in admin.get("/api/v1/audit").json["entries"]]
        self.assertEqual(actions, [("account.create", "admin"), ("invitation.create", None), ("invitation.create", None)])
        again.stop()
        third = Daemon(folder=daemon.folder)
        self.addCleanup(third.close)
        self.assertEqual(third.stop(), 0)
        self.assertEqual(third.log().count("no administrator"), 2)


class Administration(AccountsTest):
    def test_a_disabled_account_is_out_with_its_next_request_and_may_come_back(self):
        browser = self.new()
        self.assertEqual(browser.get(ME).status, 200)
        self.assertEqual(self.account(browser, "disable").status, 200)
        self.assertEqual(browser.get(ME).status, 401)
        self.assertEqual(self.account(browser, "reset").status, 404)
        self.assertEqual(self.account(browser, "enable").status, 200)
        self.assertEqual(browser.get(ME).status, 401)
        self.assertEqual(browser.log_in(browser.account["name"]).status, 200)

    def test_a_role_counts_from_the_next_request_on(self):
        browser = self.new("educator")
        self.assertEqual(browser.get("/api/v1/export/responses.csv").status, 403)
        self.account(browser, "role", {"role": "researcher"})
        self.assertEqual(browser.get("/api/v1/export/responses.csv").status, 200)
        self.account(browser, "role", {"role": "educator"})
        self.assertEqual(browser.get("/api/v1/export/responses.csv").status, 403)
        for role in ("owner", "", "anyone", "learner", "staff"):
            self.assertEqual(self.account(browser, "role", {"role": role}).status, 422)

    def test_all_sessions_of_an_account_can_be_ended(self):
        one, other = self.new(), Browser(self.daemon)
        other.log_in(one.account["name"])
        self.account(one, "end-sessions")
        self.assertEqual((one.get(ME).status, other.get(ME).status), (401, 401))

    def test_the_last_administrator_stays(self):
        identity = self.admin.account["id"]
        others = [a for a in self.admin.get(ACCOUNTS).json["accounts"] if a["role"] == "admin" and a["id"] != identity]
        for account in others:
            self.admin.post(f"{ACCOUNTS}/{account['id']}/disable")
        for what, value in (("disable", None), ("role", {"role": "educator"})):
            answer = self.account(self.admin, what, value)
            self.assertEqual((answer.status, answer.code), (409, "last_admin"))
        self.assertEqual(self.admin.get(ME).json["account"]["role"], "admin")

    def test_two_administrators_who_demote_each_other_leave_one(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        one = first_admin(daemon)
        two = staff(one, "admin", "two")
        for _ in range(10):
            def demote(by, whom):
                by.post(f"{ACCOUNTS}/{whom.account['id']}/role", {"role": "educator"})

            threads = [threading.Thread(target=demote, args=pair) for pair in ((one, two), (two, one))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            roles = [b.get(ME).json["account"]["role"] for b in (one, two)]
            self.assertEqual(sorted(roles), ["admin", "educator"])
            left, gone = (one, two) if roles[0] == "admin" else (two, one)
            self.assertEqual(left.post(f"{ACCOUNTS}/{gone.account['id']}/role", {"role": "admin"}).status, 200)

    def test_accounts_that_are_none(self):
        for identity in ("0", "999999", "-1", "x", "1e3", "99999999999999999999", "1;DROP"):
            for what in ("disable", "enable", "reset", "end-sessions"):
                self.assertEqual(self.admin.post(f"{ACCOUNTS}/{identity}/{what}").code, "unknown_account")

    def test_the_own_password_is_changed_with_the_old_one_only(self):
        browser, elsewhere = self.new(), Browser(self.daemon)
        name = browser.account["name"]
        elsewhere.log_in(name)
        before = browser.cookie
        for current, new, status in (("wrong password", "new password", 401), (PASSWORD, "short", 422)):
            self.assertEqual(browser.post("/api/v1/me/password", {"current": current, "new": new}).status, status)
        answer = browser.post("/api/v1/me/password", {"current": PASSWORD, "new": "new password"})
        self.assertEqual(answer.status, 200)
        self.assertNotEqual(browser.cookie, before)
        self.assertEqual((browser.get(ME).status, elsewhere.get(ME).status), (200, 401))
        self.assertEqual(Browser(self.daemon).log_in(name).status, 401)
        self.assertEqual(Browser(self.daemon).log_in(name, "new password").status, 200)

    def test_a_password_of_older_limits_is_hashed_again_at_log_in(self):
        import ctypes
        import ctypes.util
        sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
        old = ctypes.create_string_buffer(128)
        secret = PASSWORD.encode()
        self.assertEqual(sodium.crypto_pwhash_str(old, secret, ctypes.c_ulonglong(len(secret)), ctypes.c_ulonglong(1),
                                                  ctypes.c_size_t(8192)), 0)
        browser = self.new()
        change(self.daemon, "UPDATE accounts SET password = ? WHERE id = ?", old.value.decode(), browser.account["id"])
        self.assertEqual(browser.log_in(browser.account["name"]).status, 200)
        (row,) = self.daemon.rows("SELECT password FROM accounts WHERE id = ?", browser.account["id"])
        self.assertIn("m=65536,t=2", row["password"])
        self.assertEqual(browser.log_in(browser.account["name"]).status, 200)


class Audit(AccountsTest):
    def test_every_change_and_every_export_is_an_entry(self):
        before = self.audit()[0]["id"]
        browser = self.new("researcher")
        identity = browser.account["id"]
        browser.get("/api/v1/export/responses.csv")
        self.account(browser, "role", {"role": "educator"})
        self.account(browser, "end-sessions")
        self.account(browser, "reset")
        self.account(browser, "disable")
        self.account(browser, "disable")  # changes nothing
        self.account(browser, "enable")
        entries = [e for e in reversed(self.audit()) if e["id"] > before]
        mine = f"account:{identity}"
        self.assertEqual([(e["action"], e["object"]) for e in entries if e["object"] in (mine, "responses.csv")],
                         [("account.create", mine), ("export", "responses.csv"), ("account.role", mine),
                          ("account.end_sessions", mine), ("account.disable", mine), ("account.enable", mine)])
        role = next(e for e in entries if e["action"] == "account.role")
        self.assertEqual(role["detail"], {"from": "researcher", "to": "educator"})
        self.assertEqual(role["account"], {"id": self.admin.account["id"], "name": "admin"})
        text = str(entries)
        for secret in (browser.cookie, self.admin.cookie, PASSWORD, "127.0.0.1", "argon2"):
            self.assertNotIn(secret, text)

    def test_it_is_read_in_pages(self):
        for _ in range(5):
            self.link()
        every = [e["id"] for e in self.audit()]
        self.assertEqual(every, sorted(every, reverse=True))
        pages, before = [], ""
        while True:
            page = [e["id"] for e in self.admin.get(f"/api/v1/audit?limit=2{before}").json["entries"]]
            if not page:
                break
            pages += page
            before = f"&before={page[-1]}"
        self.assertEqual(pages, every)
        for query in ("limit=0", "limit=1001", "limit=x", "before=0", "before=-1"):
            self.assertEqual(self.admin.get("/api/v1/audit?" + query).status, 422)
        self.assertEqual(self.admin.get("/api/v1/audit?x=1").status, 400)

    def test_not_even_the_operator_changes_it_with_plain_sql(self):
        for sql in ("DELETE FROM audit", "UPDATE audit SET detail = ''"):
            with self.assertRaisesRegex(sqlite3.DatabaseError, "only appended"):
                change(self.daemon, sql)

    def test_no_table_has_an_address(self):
        client = socket.create_connection(("127.0.0.1", self.daemon.port))
        port = str(client.getsockname()[1])
        client.close()
        for (table,) in [tuple(r) for r in self.daemon.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]:
            for row in self.daemon.rows(f"SELECT * FROM {table}"):
                self.assertNotIn("127.0.0.1", str(tuple(row)))
                self.assertNotIn(":" + port, str(tuple(row)))


if __name__ == "__main__":
    unittest.main()
