"""Bad input of any kind is refused with a page in Chinese, and never a fault of ours."""

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import Any, ClassVar

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.formparser import parse_form_data
from werkzeug.routing import Rule
from werkzeug.test import EnvironBuilder

from loyalty.kernel.pagination import encode_cursor
from loyalty.members.rules.identities import Door
from loyalty.members.service import open_session
from loyalty.staff.rules import Role
from portal.console.access import COOKIE as CONSOLE_COOKIE
from portal.h5.session import COOKIE as H5_COOKIE
from tests.factories.check_ins import make_plan
from tests.factories.members import make_identity, make_member
from tests.factories.staff import make_session, make_staff
from tests.support.bad_input import TEXTS, TOO_BIG, percent_encoded
from tests.support.settings import OA_APPID

FORM_TYPE = "application/x-www-form-urlencoded"
ENDS_THE_SESSION = {"console.log_out"}
IN_PATHS = {"appid": OA_APPID, "purpose": "marketing", "kind": "points_changed"}
FORM = {
    "phone": "13800000001",
    "sms_code": "123456",
    "consent": "privacy:1.0",
    "next": "/h5/",
    "key": "k" * 24,
    "nickname": "小明",
    "birthday": "1990-05-17",
    "code": "123456",
    "answer": "give",
    "version": "1.0",
    "wanted": "points_changed",
    "username": "wang",
    "password": "correct-horse-7",
    "current": "correct-horse-7",
    "new": "correct-horse-8",
    "again": "correct-horse-9",
    "who": "13800000001",
    "kind": "store",
    "parent_id": "1",
    "store_id": "1",
    "name": "人民路店",
    "address": "人民路 1 号",
    "roles": "clerk",
    "store_ids": "1",
    "decision": "same",
    "reason": "核对了身份证件",
    "b1_name": "会员",
    "b1_type": "view",
    "b1_value": "https://example.com/",
    "b1_appid": OA_APPID,
    "b1_page": "pages/index",
    "event": "purchase",
    "rule_id": "1",
    "node_id": "1",
    "wish": "exclude",
    "policy": "none",
    "channels": "inbox",
    "is_enabled": "yes",
}
"""A value for every field of every form, good enough to get past the first check."""
PART = b'--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\na\0\xff\r\n--x--\r\n'
BODIES = (b"\xff\xfe\0" * 9, PART, b"--x", b"%", b"&&=&=%zz")
WORST = ("a\0b", "\ud800", "😀𠮷" * 3, TOO_BIG, "1" * 5000, "-1", "²", "0001-01", "9999-12-31", encode_cursor(-1), "")


class Fields(ImmutableMultiDict[str, str]):
    """The fields of a request; remembers which of them a view asked for."""

    asked: ClassVar[set[str]] = set()

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: str, *arguments: Any, **options: Any) -> Any:
        self.asked.add(key)
        return super().get(key, *arguments, **options)

    def getlist(self, key: str, *arguments: Any, **options: Any) -> Any:
        self.asked.add(key)
        return super().getlist(key, *arguments, **options)


class AttentiveRequest(Request):
    """A request that tells which fields its view reads, and whether it looks at the bytes behind them."""

    parameter_storage_class = Fields
    is_read_raw: ClassVar[bool] = False

    def get_data(self, *arguments: Any, **options: Any) -> Any:
        AttentiveRequest.is_read_raw = True
        return super().get_data(*arguments, **options)


@pytest.fixture
def client(app: Flask, session: Session, at: datetime) -> FlaskClient:
    """A browser with everything open to it: a member's pages and, for every role at once, the console."""
    app.config["WTF_CSRF_ENABLED"] = False
    app.request_class = AttentiveRequest
    make_plan(session)
    identity, staff = make_identity(session, member=make_member(session)), make_staff(session, *Role)
    client = app.test_client()
    client.set_cookie(H5_COOKIE, open_session(session, identity_id=identity.id, door=Door.H5, at=at))
    client.set_cookie(CONSOLE_COOKIE, make_session(session, staff, at=at), path="/console")
    session.commit()
    return client


def rules(app: Flask, method: str) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        is_ours = not rule.rule.startswith("/miniprogram/") and rule.endpoint not in ENDS_THE_SESSION
        if is_ours and method in (rule.methods or ()):
            yield rule


def address(rule: Rule, text: str | None = None) -> str:
    """Put ``text`` in place of the parameters of an address, or what fits there."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: text or IN_PATHS.get(found[1], "1"), rule.rule)


def changes(names: set[str]) -> Iterator[dict[str, str]]:
    """Yield every bad text for every field: of fields that differ in a number only, for the first and for all at once.

    Rows of a table are read by the same lines of code, and a table has ninety fields.
    """
    rows: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        rows[re.sub(r"\d+", "#", name)].append(name)
    for alike, text in product(rows.values(), WORST):
        yield {alike[0]: text}
        if len(alike) > 1:
            yield dict.fromkeys(alike, text)


def bodies(content_type: str) -> Iterator[tuple[bytes, bool]]:
    """Yield each body, and whether its fields are others than those of the bodies before."""
    known = set()
    for body in BODIES:
        builder = EnvironBuilder(method="POST", input_stream=io.BytesIO(body), content_type=content_type)
        _, fields, files = parse_form_data(builder.get_environ() | {"CONTENT_LENGTH": str(len(body))})
        seen = str(list(fields.items(multi=True))) + str(list(files.items(multi=True)))
        yield body, seen not in known
        known.add(seen)


def encoded(fields: dict[str, str]) -> bytes:
    return "&".join(f"{name}={percent_encoded(text)}" for name, text in fields.items()).encode()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_part_of_an_address_breaks_a_page(app: Flask, client: FlaskClient, method: str) -> None:
    broken = []
    for rule in rules(app, method):
        for text in TEXTS if rule.arguments else ():
            response = client.open(address(rule, percent_encoded(text)), method=method)
            if response.status_code >= 500:
                broken.append((rule.rule, text[:20], response.status_code))

    assert broken == []


def test_no_argument_of_an_address_breaks_a_page(app: Flask, client: FlaskClient) -> None:
    broken, tried = [], 0
    for rule in rules(app, "GET"):
        Fields.asked.clear()
        client.get(address(rule))
        for name, text in product(sorted(Fields.asked), WORST):
            response = client.get(f"{address(rule)}?{name}={percent_encoded(text)}")
            tried += 1
            if response.status_code >= 500:
                broken.append((rule.rule, name, text[:20], response.status_code))

    assert broken == []
    assert tried > 20 * len(WORST)


def test_no_field_breaks_a_form(app: Flask, client: FlaskClient) -> None:
    broken, tried = [], set()
    for rule in rules(app, "POST"):
        Fields.asked.clear()
        client.post(address(rule), data=FORM)
        tried |= Fields.asked
        for change in changes(Fields.asked):
            response = client.post(address(rule), data=encoded(FORM | change), content_type=FORM_TYPE)
            if response.status_code >= 500:
                broken.append((rule.rule, {name: text[:20] for name, text in change.items()}, response.status_code))

    assert broken == []
    assert set(FORM) <= tried


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x/y"]
)
def test_no_bytes_break_a_form(app: Flask, client: FlaskClient, content_type: str) -> None:
    for rule in rules(app, "POST"):
        AttentiveRequest.is_read_raw = False
        for body, is_other_form in bodies(content_type):
            if is_other_form or AttentiveRequest.is_read_raw:
                assert client.post(address(rule), data=body, content_type=content_type).status_code < 500, rule.rule


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_no_method_breaks_an_address(app: Flask, client: FlaskClient, method: str) -> None:
    for rule in rules(app, "GET"):
        assert client.open(address(rule), method=method).status_code < 500, rule.rule


@pytest.mark.parametrize("name", [H5_COOKIE, CONSOLE_COOKIE, "portal_flash", "h5_oauth", "h5_device"])
@pytest.mark.parametrize("value", ["", "é", "x" * 20_000, "a.b.c", "😀", "%00"])
def test_no_cookie_breaks_a_page(app: Flask, name: str, value: str) -> None:
    headers = {"Cookie": f"{name}={value}".encode().decode("latin-1")}
    client = app.test_client(use_cookies=False)
    for path in ("/h5/", "/h5/oauth/" + OA_APPID + "?state=x&code=y", "/console/members", "/console/login"):
        assert client.get(path, headers=headers).status_code < 500


def test_a_very_long_address_is_answered(client: FlaskClient) -> None:
    assert client.get("/h5/points?" + "a=b&" * 100_000).status_code == 200


def test_a_form_over_the_limit_is_refused_with_a_page(client: FlaskClient) -> None:
    response = client.post("/h5/settings", data={"nickname": "x" * (1024 * 1024)})

    assert (response.status_code, response.mimetype) == (413, "text/html")
    assert "提交的内容太大" in response.text


@pytest.mark.parametrize(
    "path", ["/console/members/{}", "/console/stores/{}", "/console/staff/{}", "/console/members/{}/entries"]
)
@pytest.mark.parametrize("number", [2**63 - 1, 2**63, int(TOO_BIG)])
def test_a_number_beyond_every_row_is_not_found(client: FlaskClient, path: str, number: int) -> None:
    assert client.get(path.format(number)).status_code == 404
