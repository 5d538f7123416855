"""A stranger's backend: what somebody else's Official Account and mini program would answer, as small as it goes.

It speaks to the sandbox only as it would to WeChat, so the phone is tested against the platform and not against our
portal.
"""

import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import requests
from flask import Flask, redirect, request
from werkzeug.serving import make_server

from tests.sandbox_phone.stranger_mini_program import MP_TEMPLATE, mini_program

OA = "wx5a0db7a000000001"
MP = "wx5a0db7b000000001"
SECRET = "5a0d0000000000000000000000000001"
H5_TEMPLATE = "H5Subscription00000000000000000000000000001"
JSSDK_PAGE = Path(__file__).with_name("jssdk_page.html")


@dataclass
class Stranger:
    """The running backend, with what it saw."""

    url: str = ""
    sandbox: str = ""
    is_member: bool = False
    binding: str = "enrolled"
    """How binding a phone ends: enrolled, joined, review or merge."""
    checked_in: bool = False
    is_down: bool = False
    """Answers the mini program with an error in Chinese."""
    logins: int = 0
    seen: list[tuple[str, Any]] = field(default_factory=list)
    arrival: threading.Condition = field(default_factory=threading.Condition)

    def bodies(self, path: str) -> list[Any]:
        return [body for at, body in self.seen if at == path]

    def hears(self, event: str) -> bool:
        """Whether a push of this event arrives within five seconds; pushes go out in the background."""
        with self.arrival:
            return self.arrival.wait_for(
                lambda: any(one.get("Event") == event for one in self.bodies("/push")), timeout=5
            )

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Calls the platform with a fresh token."""
        token = requests.post(
            f"{self.sandbox}/api.weixin.qq.com/cgi-bin/stable_token",
            json={"grant_type": "client_credential", "appid": OA, "secret": SECRET},
            timeout=5,
        ).json()["access_token"]
        url = f"{self.sandbox}/api.weixin.qq.com{path}"
        answer = requests.request(
            "POST" if body else "GET", url, params={"access_token": token}, json=body or None, timeout=5
        )
        found: dict[str, Any] = answer.json()
        return found


def serve(stranger: Stranger) -> Any:
    """Starts the backend on a free port; the caller shuts it down."""
    server = make_server("127.0.0.1", 0, _app(stranger), threaded=True)
    stranger.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def _app(stranger: Stranger) -> Flask:
    app = Flask(__name__)

    @app.post("/push")
    def push() -> str:
        found = {node.tag: node.text or "" for node in ElementTree.fromstring(request.get_data(as_text=True))}
        with stranger.arrival:
            stranger.seen.append(("/push", found))
            stranger.arrival.notify_all()
        text = {"subscribe": "欢迎关注，点菜单开始", "CLICK": f"你点了 {found.get('EventKey')}"}.get(
            found.get("Event", "")
        )
        if found["MsgType"] == "text":
            text = f"收到：{found['Content']}"
        return "success" if text is None else _reply(found, text)

    _add_pages(app, stranger)
    app.register_blueprint(mini_program(stranger))
    return app


def _reply(found: dict[str, str], text: str) -> str:
    return (
        f"<xml><ToUserName>{found['FromUserName']}</ToUserName><FromUserName>{found['ToUserName']}</FromUserName>"
        f"<CreateTime>1</CreateTime><MsgType>text</MsgType><Content><![CDATA[{text}]]></Content></xml>"
    )


def _add_pages(app: Flask, stranger: Stranger) -> None:
    @app.get("/login/<scope>")
    def login(scope: str) -> Any:
        host = request.args.get("host", stranger.url.removeprefix("http://"))
        query = {
            "appid": OA,
            "redirect_uri": f"http://{host}/back",
            "response_type": "code",
            "scope": scope,
            "state": "abc",
        }
        return redirect(
            f"{stranger.sandbox}/open.weixin.qq.com/connect/oauth2/authorize?{urlencode(query)}#wechat_redirect"
        )

    @app.get("/back")
    def back() -> str:
        if "code" not in request.args:
            return "<p id=who>refused</p>"
        query = {"appid": OA, "secret": SECRET, "code": request.args["code"], "grant_type": "authorization_code"}
        found = requests.get(
            f"{stranger.sandbox}/api.weixin.qq.com/sns/oauth2/access_token", params=query, timeout=5
        ).json()
        return f"<p id=who>{found['openid']}</p><p id=snapshot>{found.get('is_snapshotuser', 0)}</p>"

    @app.get("/jssdk")
    def jssdk() -> str:
        ticket = stranger.call("/cgi-bin/ticket/getticket?type=jsapi", {})["ticket"]
        plain = f"jsapi_ticket={ticket}&noncestr=n1&timestamp=1700000000&url={request.url}"
        signature = hashlib.sha1(plain.encode()).hexdigest()
        shown = {"@sandbox@": stranger.sandbox, "@signature@": "0" * 40 if "wrong" in request.args else signature}
        page = JSSDK_PAGE.read_text(encoding="utf-8").replace("@template@", H5_TEMPLATE)
        for name, value in shown.items():
            page = page.replace(name, value)
        return page


def world(stranger_url: str) -> dict[str, Any]:
    """A sandbox configuration whose accounts belong to the backend at this address."""
    common = {"token": "t", "push_mode": "plain", "push_url": f"{stranger_url}/push"}
    official = {
        "appid": OA, "kind": "oa", "name": "示例茶饮", "original_id": "gh_1", "secret": SECRET,
        "oauth_domains": ["127.0.0.1"], "js_domains": ["127.0.0.1"], "linked_mps": [MP], **common,
    }  # fmt: skip
    mini = {
        "appid": MP, "kind": "mp", "name": "示例茶饮会员", "original_id": "gh_2", "secret": SECRET,
        "request_base": stranger_url, "pages": ["pages/index/index", "pages/points/index"], **common,
    }  # fmt: skip
    content = "变动积分:{{number1.DATA}}\n变动原因:{{thing2.DATA}}"
    templates = [
        {"appid": OA, "template_id": "T1", "kind": "template", "title": "积分变动通知", "content": content},
        {"appid": OA, "template_id": H5_TEMPLATE, "kind": "subscribe", "title": "新品上市提醒", "content": content},
        {"appid": MP, "template_id": MP_TEMPLATE, "kind": "subscribe", "title": "积分变动提醒", "content": content},
    ]
    return {
        "accounts": [official, mini],
        "templates": templates,
        "event_delay_seconds": 0.05,
        "push_timeout_seconds": 2,
    }
