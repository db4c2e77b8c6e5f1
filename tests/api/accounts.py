"""Accounts for tests, as pages use them: cookie and token against forgery kept between requests."""

import json
import re
import sqlite3

from daemon import DaemonTest, deck

PASSWORD = "correct horse battery"


class Browser:
    """One browser: sends back the cookie that it was given. `account` is what log-in or link said."""

    def __init__(self, daemon):
        self.daemon, self.cookie, self.csrf, self.account = daemon, None, None, None
        self.cookie_name = "roentgym_session"  # as the daemon says

    def headers(self, changes=None):
        headers = {}
        if self.cookie:
            headers["Cookie"] = f"{self.cookie_name}={self.cookie}"
        if self.csrf:
            headers["X-CSRF-Token"] = self.csrf
        headers.update(changes or {})
        return {name: value for name, value in headers.items() if value is not None}

    def take(self, answer):
        match = re.match(r"((?:__Host-)?roentgym_session)=([0-9a-f]*);", answer.headers["Set-Cookie"] or "")
        if match:
            self.cookie_name, self.cookie = match[1], match[2] or None
        if answer.status == 200 and match and match[2]:
            self.csrf, self.account = answer.json["csrf_token"], answer.json["account"]
        return answer

    def get(self, path, **headers):
        return self.take(self.daemon.request("GET", path, headers=self.headers(headers)))

    def post(self, path, value=None, **headers):
        """Headers as keyword arguments; None leaves one out."""
        headers = {name.replace("_", "-"): text for name, text in headers.items()}
        if value is not None:
            headers["Content-Type"] = "application/json"
        body = value if isinstance(value, (str, bytes)) or value is None else json.dumps(value)
        return self.take(self.daemon.request("POST", path, body, self.headers(headers)))

    def log_in(self, name, password=PASSWORD):
        return self.post("/api/v1/login", {"name": name, "password": password})

    def use(self, link, name=None, password=PASSWORD):
        body = {"token": link.split("#")[1], "password": password}
        return self.post("/api/v1/invitation/use", {**body, "name": name} if name is not None else body)


def first_admin(daemon, name="admin"):
    """A browser that is logged in as the administrator whom the start's link made."""
    browser = Browser(daemon)
    answer = browser.use(daemon.admin_link(), name)
    assert answer.status == 200, answer.body
    return browser


def staff(admin, role, name=None):
    """A browser logged in as a new account of that role."""
    link = admin.post("/api/v1/invitations", {"role": role}).json["invitation"]["link"]
    browser = Browser(admin.daemon)
    answer = browser.use(link, name or role)
    assert answer.status == 200, answer.body
    return browser


def change(daemon, sql, *values):
    """Does to the data base what only time, or somebody with its file, does."""
    connection = sqlite3.connect(daemon.db, timeout=10)
    with connection:
        connection.execute(sql, values)
    connection.close()


class AccountsTest(DaemonTest):
    """Tests by a daemon with an administrator, who makes the others."""

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
        return self.admin.post(f"/api/v1/accounts/{browser.account['id']}/{what}", value)

    def link(self, role="educator"):
        return self.admin.post("/api/v1/invitations", {"role": role}).json["invitation"]["link"]

    def audit(self):
        return self.admin.get("/api/v1/audit").json["entries"]
