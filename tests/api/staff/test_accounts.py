"""Accounts as their holders meet them: links, passwords, administration, the audit log."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from accounts import PASSWORD, AccountsTest, Browser, change, first_admin, staff  # noqa: E402
from daemon import PROGRAM, ROOT, Daemon, need_checkpoint  # noqa: E402

ME, ACCOUNTS = "/api/v1/me", "/api/v1/accounts"


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
        until = time.monotonic() + 120
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

    def test_links_of_one_who_is_no_administrator_any_more_are_void(self):
        educator = self.new("educator")
        for action, body in (("disable", None), ("role", {"role": "educator"})):
            other = self.new("admin")
            links = [other.post("/api/v1/invitations", {"role": "admin"}).json["invitation"]["link"],
                     other.post(f"/api/v1/accounts/{educator.account['id']}/reset").json["invitation"]["link"]]
            kept = self.admin.post("/api/v1/invitations", {"role": "admin"}).json["invitation"]["link"]
            self.assertEqual(self.account(other, action, body).status, 200)
            for link in links:
                self.assertEqual(Browser(self.daemon).use(link, "successor of " + action).status, 404)
            self.assertEqual(Browser(self.daemon).use(kept, "kept at " + action).status, 200)

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
