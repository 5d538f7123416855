"""A person with a phone of the sandbox: what they tap in WeChat, and the browser in which pages open."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests

from trial import processes

OA_APPID = "wx5a0db7a000000001"
MP_APPID = "wx5a0db7b000000001"
SECONDS = 15.0
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_CONSENT = re.compile(r'name="consent" value="([^"]+)"')


@dataclass
class Phone:
    """One simulated person, driven through the sandbox's control API."""

    sandbox_url: str
    user: dict[str, Any]

    @classmethod
    def make(cls, sandbox_url: str, **traits: Any) -> "Phone":
        answer = requests.post(f"{sandbox_url}/_sim/users", json=traits, timeout=SECONDS)
        assert answer.status_code == 201, answer.text
        return cls(sandbox_url, answer.json())

    @property
    def number(self) -> str:
        return str(self.user["phone"])

    def act(self, name: str, **body: Any) -> dict[str, Any]:
        url = f"{self.sandbox_url}/_sim/users/{self.user['id']}/{name}"
        answer = requests.post(url, json=body, timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def messages(self, channel: str) -> list[dict[str, Any]]:
        url = f"{self.sandbox_url}/_sim/users/{self.user['id']}/messages"
        return [one for one in requests.get(url, timeout=SECONDS).json() if one["channel"] == channel]

    def wait_for_message(self, channel: str, text: str, *, within_seconds: float = SECONDS) -> dict[str, Any]:
        """Wait until a message holds the text, and return it."""
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            found[:] = [one for one in self.messages(channel) if text in str(one)]
            return bool(found)

        processes.wait_until(arrived, within_seconds=within_seconds)
        assert found, f"no {channel} message with {text!r}: {self.messages(channel)}"
        return found[-1]

    def sms_code(self) -> str:
        listed = requests.get(f"{self.sandbox_url}/_sim/sms", params={"phone": self.number}, timeout=SECONDS).json()
        return re.search(r"\d{6}", str(listed[-1]["text"]))[0]  # type: ignore[index]


@dataclass
class Browser:
    """WeChat's browser on a phone: it remembers cookies and answers the consent page of OAuth."""

    phone: Phone
    answer: str = "accept"
    session: requests.Session = field(default_factory=requests.Session)
    url: str = ""
    text: str = ""
    token: str = ""

    def open(self, url: str) -> str:
        """Follow an address to its page, through OAuth where it leads there."""
        for _ in range(8):
            answer = self.session.get(url, allow_redirects=False, timeout=SECONDS)
            if answer.is_redirect:
                url = urljoin(url, answer.headers["Location"])
                if "/connect/oauth2/authorize" in url:
                    url = str(self.phone.act("oauth", url=url, answer=self.answer)["redirect"])
                continue
            return self._show(url, answer)
        raise AssertionError(f"redirected in circles at {url}")

    def submit(self, path: str, **fields: Any) -> str:
        """Send a form, with the token that the last one came with; then show where it leads."""
        url = urljoin(self.url, path)
        data = {"csrf_token": self.token, **fields}
        answer = self.session.post(url, data=data, allow_redirects=False, timeout=SECONDS)
        return self.open(urljoin(url, answer.headers["Location"])) if answer.is_redirect else self._show(url, answer)

    def consents(self) -> list[str]:
        return _CONSENT.findall(self.text)

    def _show(self, url: str, answer: requests.Response) -> str:
        assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:300]}"
        self.url, self.text = url, answer.text
        if token := _TOKEN.search(answer.text):
            self.token = token[1]
        return self.text


@dataclass
class MiniProgram:
    """The mini program on a phone: its calls go through the sandbox, as those of wx.request do."""

    phone: Phone
    base_url: str
    token: str = ""

    def log_in(self) -> dict[str, Any]:
        code = self.phone.act("mp/login", appid=MP_APPID)["code"]
        told = self.call("POST", "/sessions", {"appid": MP_APPID, "code": code}, expect=201)
        self.token = told["token"]
        return told

    def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, key: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if key:
            headers["Idempotency-Key"] = key
        answer = requests.request(
            method, f"{self.base_url}/miniprogram/v1{path}", json=body, headers=headers, timeout=SECONDS
        )
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json()) if answer.content else {}
