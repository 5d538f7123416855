"""What every call with a token must pass."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import API, Sim


@pytest.mark.parametrize(
    ("query", "expected"),
    [({}, 41001), ({"access_token": "short"}, 40014), ({"access_token": "x" * 140}, 40001)],
)
def test_a_missing_malformed_or_unknown_token_is_refused(sim: Sim, query: dict[str, str], expected: int) -> None:
    assert sim.sns("/cgi-bin/tags/get", **query)["errcode"] == expected


def test_an_expired_token_is_refused(sim: Sim) -> None:
    token = sim.token(OA_APPID)
    sim.advance(7201)
    assert sim.sns("/cgi-bin/tags/get", access_token=token)["errcode"] == 42001


def test_a_token_of_the_other_kind_of_account_is_refused(sim: Sim) -> None:
    assert sim.post("/cgi-bin/menu/create", {"button": []}, appid=MP_APPID)["errcode"] == 48001
    assert sim.post("/wxa/getwxacodeunlimit", {"scene": "a"}, appid=OA_APPID)["errcode"] == 48001


def test_the_method_is_checked(sim: Sim) -> None:
    assert sim.get("/cgi-bin/menu/create")["errcode"] == 43002
    assert sim.post("/cgi-bin/menu/get", {})["errcode"] == 43001


@pytest.mark.parametrize(
    ("body", "expected"), [(b"", 44002), (b"{", 47001), (b"[1]", 47001), (b"\xff", 47001), (b'{"tag": 1}', 45157)]
)
def test_the_body_must_be_a_json_object(sim: Sim, body: bytes, expected: int) -> None:
    answer = sim.http("POST", f"{API}/cgi-bin/tags/create", params={"access_token": sim.token(OA_APPID)}, data=body)
    assert answer.json()["errcode"] == expected


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_of_the_body_does_not_matter(sim: Sim, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    query = {"access_token": sim.token(OA_APPID)}
    body = '{"tag": {"name": "金卡"}}'.encode()
    answer = sim.http("POST", f"{API}/cgi-bin/tags/create", params=query, data=body, headers=headers).json()
    assert answer["tag"]["name"] == "金卡"


def test_a_refusal_comes_with_http_200_and_a_rid(sim: Sim) -> None:
    answer = sim.http("GET", f"{API}/cgi-bin/tags/get")
    assert answer.status_code == 200
    assert re.fullmatch(r"access_token missing rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}", answer.json()["errmsg"])


def test_an_unknown_path_is_refused(sim: Sim) -> None:
    assert sim.sns("/cgi-bin/no/such")["errcode"] == 40066


def test_quotas_a_minute_and_a_day(start_sim: Callable[..., Sim], config: dict[str, Any]) -> None:
    sim = start_sim({**config, "quotas": {"/cgi-bin/tags/get": {"minute": 2, "day": 3}}})
    sim.morning()
    codes = [sim.get("/cgi-bin/tags/get").get("errcode", 0) for _ in range(3)]
    sim.advance(60)
    codes += [sim.get("/cgi-bin/tags/get").get("errcode", 0) for _ in range(2)]
    assert codes == [0, 0, 45011, 0, 45009]
    sim.advance(86400)
    assert "errcode" not in sim.get("/cgi-bin/tags/get")


@pytest.mark.parametrize(
    "body", [{"tagid": 2**70, "openid_list": ["a"]}, {"tagid": "\ud800"}, {"tagid": [[]]}, {"tagid": None}]
)
def test_odd_values_are_refused_without_a_failure(sim: Sim, body: dict[str, Any]) -> None:
    answer = sim.http(
        "POST", f"{API}/cgi-bin/tags/members/batchtagging", params={"access_token": sim.token(OA_APPID)}, json=body
    )
    assert answer.status_code == 200
    assert answer.json()["errcode"] in (45159, 47001)


def test_withdrawn_interfaces_answer_45109(sim: Sim) -> None:
    for path in ("uniform_send", "send"):
        assert sim.post(f"/cgi-bin/message/wxopen/template/{path}", {"a": 1})["errcode"] == 45109
