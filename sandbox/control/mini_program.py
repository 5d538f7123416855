"""Control API: what a mini program on the phone does: login, phone button, prompts, requests to its backend."""

import base64
from typing import Any

import requests
from flask import Response, jsonify

from sandbox import codes, grants, users, windows
from sandbox.config import Account
from sandbox.control.door import Malformed, blueprint, body, need, pushed
from sandbox.follows import ActRefused
from sandbox.world import World, current_world

REQUEST_TIMEOUT = 60
"""wx.request gives up after a minute."""


@blueprint.post("/users/<int:user_id>/mp/login")
def login(user_id: int) -> Response:
    """wx.login: a code for the backend. Counts as a visit of the mini program."""
    world, account = current_world(), _mini_program(need(body(), "appid", str))
    users.get(world, user_id)
    users.visit(world, appid=account.appid, user_id=user_id)
    return jsonify(code=codes.mint(world, kind="login", appid=account.appid, user_id=user_id))


@blueprint.post("/users/<int:user_id>/mp/enter")
def enter_session(user_id: int) -> Response:
    """Enters the mini program's customer session, which opens the window for two messages."""
    world, account = current_world(), _mini_program(need(body(), "appid", str))
    users.get(world, user_id)
    windows.opened(world, appid=account.appid, user_id=user_id, act="enter")
    return jsonify(ok=True)


@blueprint.post("/users/<int:user_id>/mp/phone")
def phone_code(user_id: int) -> Response:
    """The phone-number button: a code for the backend."""
    world, account = current_world(), _mini_program(need(body(), "appid", str))
    if users.get(world, user_id)["phone"] is None:
        raise ActRefused("the user has no phone number")
    return jsonify(code=codes.mint(world, kind="phone", appid=account.appid, user_id=user_id))


@blueprint.post("/users/<int:user_id>/mp/subscribe")
def subscribe(user_id: int) -> Response:
    """The subscription prompt: answers per template. Works for both kinds of accounts."""
    world, given = current_world(), body()
    push = grants.answer_prompt(
        world,
        user_id=user_id,
        appid=need(given, "appid", str),
        answers=need(given, "answers", dict),
        popup_scene=str(given.get("popup_scene", 0)),
    )
    told = pushed(world, push, given) if push.fields["SubscribeMsgPopupEvent"]["List"] else None
    return jsonify(answers=given["answers"], push=told)


@blueprint.post("/users/<int:user_id>/mp/subscription-settings")
def subscription_settings(user_id: int) -> Response:
    """The settings page: rejects one template from now on."""
    world, given = current_world(), body()
    if given.get("answer", "reject") != "reject":
        raise Malformed("answer must be reject: only that is pushed")
    push = grants.turn_off(
        world, user_id=user_id, appid=need(given, "appid", str), template_id=need(given, "template_id", str)
    )
    return jsonify(push=pushed(world, push, given))


@blueprint.post("/mp/request")
def wx_request() -> Response:
    """Stands for wx.request: passes a request on to a mini program's own backend, and only there."""
    world, given = current_world(), body()
    url = need(given, "url", str)
    if not _is_allowed(world, url):
        raise ActRefused("url not in domain list")
    content = given.get("body")
    is_json = content is not None and not isinstance(content, str)
    try:
        answer = requests.request(
            str(given.get("method", "GET")).upper(),
            url,
            headers={str(name): str(value) for name, value in (given.get("headers") or {}).items()},
            json=content if is_json else None,
            data=content.encode() if isinstance(content, str) else None,
            timeout=REQUEST_TIMEOUT,
            allow_redirects=False,
        )
    except (requests.RequestException, ValueError) as error:
        raise ActRefused(f"request:fail {type(error).__name__}") from error
    return jsonify(status=answer.status_code, headers=dict(answer.headers), **_content(answer))


def _content(answer: requests.Response) -> dict[str, Any]:
    """The body as text; other bytes as base64."""
    try:
        return {"body": answer.content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body": None, "body_base64": base64.b64encode(answer.content).decode()}


def _is_allowed(world: World, url: str) -> bool:
    bases = [account.request_base.rstrip("/") for account in world.config.accounts if account.request_base]
    return any(url == base or url.startswith((f"{base}/", f"{base}?")) for base in bases)


def _mini_program(appid: str) -> Account:
    account = current_world().account(appid)
    if account is None or account.kind != "mp":
        raise ActRefused(f"no mini program {appid}")
    return account
