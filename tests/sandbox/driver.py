"""Drives a running sandbox over HTTP: the control API, and the platform as an account's backend sees it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from time import monotonic, sleep
from typing import Any

import requests

from sandbox.defaults import DEFAULT_ACCOUNTS, DEFAULT_TEMPLATES, MP_APPID, OA_APPID
from sandbox.server import Handle

SECRETS = {account["appid"]: account["secret"] for account in DEFAULT_ACCOUNTS}
TEMPLATE = DEFAULT_TEMPLATES[0]["template_id"]
SUBSCRIBE = DEFAULT_TEMPLATES[2]["template_id"]
API = "/api.weixin.qq.com"


@dataclass
class Sim:
    """One sandbox and short ways to use it."""

    handle: Handle

    @property
    def url(self) -> str:
        return self.handle.url

    def http(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, f"{self.url}{path}", timeout=20, allow_redirects=False, **options)

    def control(self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST", status: int = 200) -> Any:
        """Calls the control API and expects the status."""
        answer = self.http(method, f"/_sim{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def show(self, path: str) -> Any:
        return self.control(path, method="GET")

    def user(self, **given: Any) -> dict[str, Any]:
        return self.control("/users", given, status=201)

    def follower(self, **given: Any) -> dict[str, Any]:
        user = self.user(**given)
        self.act(user, "follow", appid=OA_APPID)
        return user

    def act(self, user: dict[str, Any], act: str, *, status: int = 200, **given: Any) -> Any:
        return self.control(f"/users/{user['id']}/{act}", given, status=status)

    def messages(self, user: dict[str, Any], channel: str | None = None) -> list[dict[str, Any]]:
        found = self.show(f"/users/{user['id']}/messages")
        return [one for one in found if channel in (None, one["channel"])]

    def token(self, appid: str) -> str:
        answer = self.stable_token(appid)
        return str(answer["access_token"])

    def stable_token(self, appid: str, **extra: Any) -> dict[str, Any]:
        body = {"grant_type": "client_credential", "appid": appid, "secret": SECRETS[appid], **extra}
        return self.http("POST", f"{API}/cgi-bin/stable_token", json=body).json()

    def post(self, path: str, body: Any, *, appid: str = OA_APPID) -> dict[str, Any]:
        """An API call with a living token."""
        return self.http("POST", f"{API}{path}", params={"access_token": self.token(appid)}, json=body).json()

    def get(self, path: str, *, appid: str = OA_APPID, **query: Any) -> dict[str, Any]:
        return self.http("GET", f"{API}{path}", params={"access_token": self.token(appid), **query}).json()

    def sns(self, path: str, **query: str) -> dict[str, Any]:
        return json.loads(self.http("GET", f"{API}{path}", params=query).content)

    def advance(self, seconds: int) -> None:
        self.control("/clock", {"advance_seconds": seconds})

    def morning(self) -> None:
        """Moves the clock to 09:00:00 in China of the next day, far from the ends of day and minute."""
        now = datetime.fromisoformat(self.show("/clock")["now"])
        nine = (now + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
        self.advance(ceil((nine - now).total_seconds()))

    def fault(self, **given: Any) -> int:
        return int(self.control("/faults", given, status=201)["id"])

    def template_message(self, user: dict[str, Any], **extra: Any) -> dict[str, Any]:
        """A right template message, parts of it replaced."""
        data = {
            "character_string1": {"value": "M0001"},
            "number2": {"value": "10"},
            "thing3": {"value": "每日签到"},
            "number4": {"value": "110"},
            "time5": {"value": "2026-03-10 10:00"},
        }
        body = {"touser": user["openids"][OA_APPID], "template_id": TEMPLATE, "data": data, **extra}
        return self.post("/cgi-bin/message/template/send", body)

    def subscribe_message(self, user: dict[str, Any], **extra: Any) -> dict[str, Any]:
        """A right subscription message of the mini program, parts of it replaced."""
        data = {
            "thing1": {"value": "每日签到"},
            "number2": {"value": "10"},
            "number3": {"value": "110"},
            "time4": {"value": "2026年3月10日 10:00"},
        }
        body = {"touser": user["openids"][MP_APPID], "template_id": SUBSCRIBE, "data": data, **extra}
        return self.post("/cgi-bin/message/subscribe/send", body, appid=MP_APPID)

    def grant(self, user: dict[str, Any], times: int = 1) -> None:
        for _ in range(times):
            self.act(user, "mp/subscribe", appid=MP_APPID, answers={SUBSCRIBE: "accept"})

    def wait_for_push(self, event: str, *, count: int = 1, seconds: float = 10) -> dict[str, Any]:
        """The newest logged push of that name, once there are ``count``."""
        end = monotonic() + seconds
        while monotonic() < end:
            found = [one for one in self.show("/log/pushes") if one["event"] == event]
            if len(found) >= count:
                return found[-1]
            sleep(0.02)
        raise AssertionError(f"no {event} was pushed")
