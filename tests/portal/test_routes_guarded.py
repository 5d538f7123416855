"""Deny by default: every route is guarded in its door's own way, and whoever opens one to all must say so here."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from miniprogram_api.auth import guard as mini_program_guard
from miniprogram_api.auth import is_public
from portal.console.access import Access, access_of
from portal.console.access import guard as console_guard
from portal.h5 import session
from portal.partner_api.auth import guard as partner_guard

OPEN_TO_ALL = {
    "/static/<path:filename>": "styles and scripts",
    "/healthz": "liveness",
    "/readyz": "readiness, without detail",
    "/<name>.txt": "WeChat's domain check files, only those of the settings",
    "/h5/login": "leads to WeChat",
    "/h5/oauth/<appid>": "the way back from WeChat, bound to this browser by its state",
    "/h5/texts/<purpose>/<version>": "the texts to agree to",
    "/h5/coupon-pictures/<digest>": "pictures of templates, told by nothing but their digest",
    "/miniprogram/v1/coupon-pictures/<digest>": "the same",
    "/console/login": "the log-in form, throttled",
    "/miniprogram/v1/sessions": "the log-in, proved by WeChat's code",
    "/miniprogram/v1/openapi.json": "the description of the interface",
    "/miniprogram/v1/docs": "the same for people",
    "/partner/v1/openapi.json": "the description of the interface",
    "/partner/v1/docs": "the same for people",
}
GUARDED_BY_TOKEN_OR_ADDRESS = {"/metrics"}
PROVED_BY_SIGNATURE = {"/callbacks/wechat/<appid>", "/callbacks/wechatpay"}
CLERK_PAGES = {
    "/h5/clerk",
    "/h5/clerk/stores",
    "/h5/clerk/today",
    "/h5/clerk/visits/<visit>",
    "/h5/clerk/visits/<visit>/coupons/<int:coupon_id>",
    "/h5/clerk/visits/<visit>/sale",
    "/h5/clerk/visits/<visit>/sale/best",
    "/h5/clerk/redemptions/<int:redemption_id>",
    "/h5/clerk/redemptions/<int:redemption_id>/undo",
}
VISITORS_TOO = {
    "/h5/login/profile",
    "/h5/binding",
    "/h5/binding/codes",
    "/h5/second-proof",
    "/h5/second-proof/staff",
    "/h5/second-proof/decline",
    "/h5/js-signature",
    "/h5/i/<token>",
    "/h5/go/<token>",
    "/h5/campaigns/<token>",
    "/h5/clerk/binding/<token>",
    *CLERK_PAGES,
}


def _views(app: Flask, prefix: str) -> Iterator[tuple[Rule, Callable[..., object]]]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(prefix):
            yield rule, app.view_functions[rule.endpoint]


def _is_open(rule: Rule, view: Callable[..., object]) -> bool:
    """Whether the door lets anybody through, by its own marks."""
    if rule.rule.startswith("/h5/"):
        return session.needs(view) == "nothing"
    if rule.rule.startswith("/console/"):
        return access_of(view) == Access()
    if rule.rule.startswith("/miniprogram/"):
        return is_public(view) or rule.endpoint.startswith("miniprogram_docs.")
    if rule.rule.startswith("/partner/"):
        return rule.endpoint.startswith("partner_docs.")
    return rule.rule not in PROVED_BY_SIGNATURE | GUARDED_BY_TOKEN_OR_ADDRESS


def test_only_the_listed_routes_are_open_to_all(app: Flask) -> None:
    found = {rule.rule for rule, view in _views(app, "/") if _is_open(rule, view)}

    assert found == set(OPEN_TO_ALL)


def test_every_door_asks_before_each_request(app: Flask) -> None:
    hooks = app.before_request_funcs
    unguarded = []
    for rule, view in _views(app, "/"):
        blueprint, guards = rule.endpoint.partition(".")[0], []
        if rule.rule.startswith("/h5/"):
            guards = [session.guard]
        elif rule.rule.startswith("/console/"):
            guards = [console_guard]
        elif rule.rule.startswith("/miniprogram/") and not _is_open(rule, view):
            guards = [mini_program_guard]
        elif rule.rule.startswith("/partner/") and not _is_open(rule, view):
            guards = [partner_guard]
        if any(guard not in hooks.get(blueprint, []) for guard in guards):
            unguarded.append(rule.rule)

    assert unguarded == []


def test_every_console_route_says_what_it_needs(app: Flask) -> None:
    assert [rule.rule for rule, view in _views(app, "/console/") if access_of(view) is None] == []


def test_only_the_listed_member_pages_are_for_visitors(app: Flask) -> None:
    found = {rule.rule for rule, view in _views(app, "/h5/") if session.needs(view) == "session"}

    assert found == VISITORS_TOO


def test_clerk_pages_are_for_clerks(app: Flask) -> None:
    found = {rule.rule for rule, view in _views(app, "/h5/clerk") if getattr(view, "is_for_clerks", False)}

    assert found == CLERK_PAGES


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_stranger_gets_nothing_from_any_guarded_route(app: Flask, client: FlaskClient, method: str) -> None:
    """Asked for real, CSRF out of the way: log-in pages, refusals, and never an answer from the route itself."""
    app.config["WTF_CSRF_ENABLED"] = False
    let_through = []
    for rule, _view in _views(app, "/"):
        if method not in (rule.methods or ()) or rule.rule in OPEN_TO_ALL | dict.fromkeys(GUARDED_BY_TOKEN_OR_ADDRESS):
            continue
        path = app.url_map.bind("localhost").build(rule.endpoint, {name: 1 for name in rule.arguments}, method=method)
        answer = client.open(path, method=method)
        is_sent_away = answer.status_code in (302, 303) and "login" in answer.headers["Location"]
        if not is_sent_away and answer.status_code not in (400, 401, 403, 404):
            let_through.append((rule.rule, answer.status_code))

    assert let_through == []


def test_metrics_need_their_token(client: FlaskClient) -> None:
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 403
