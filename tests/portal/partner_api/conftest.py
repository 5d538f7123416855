"""A till that signs its requests."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.members.models import Member
from loyalty.members.rules.member_code import current_code
from loyalty.partners.queries import PartnerKeyView
from loyalty.partners.rules.signatures import sign
from loyalty.stores.models import Store
from tests.factories.earning import make_rule
from tests.factories.members import make_member
from tests.factories.partners import make_key
from tests.factories.stores import make_store
from tests.support.containers import NullContainer
from tests.support.settings import CODE_KEY

BASE = "/partner/v1"
LINES = [
    {"line_number": 1, "sku": "tea", "quantity": 2, "amount_fen": 6_000},
    {"line_number": 2, "sku": "cup", "category": "goods", "quantity": 1, "amount_fen": 4_050},
]
_numbers = count(1)


def unused(prefix: str) -> str:
    """Return a number that no other request has."""
    return f"{prefix}-{next(_numbers):08d}"


def code_of(answer: TestResponse) -> str:
    """Return why a request was refused."""
    return str(answer.json["error"]["code"])  # type: ignore[index]


@dataclass(frozen=True)
class Till:
    """A system at a store that signs and sends requests."""

    client: FlaskClient
    container: NullContainer
    key: PartnerKeyView
    secret: str
    store: Store
    _nonces: Iterator[int] = field(default_factory=lambda: count(1))

    def headers(self, method: str, target: str, body: bytes = b"") -> dict[str, str]:
        """Return the four headers that prove a request."""
        timestamp = str(int(self.container.clock.now().timestamp()))
        nonce = f"nonce-{next(self._nonces):020d}"
        signature = sign(self.secret, method=method, target=target, timestamp=timestamp, nonce=nonce, body=body)
        return {
            "Partner-Key": self.key.key_id,
            "Partner-Timestamp": timestamp,
            "Partner-Nonce": nonce,
            "Partner-Signature": signature,
        }

    def send(
        self, method: str, path: str, *, data: bytes = b"", key: str | None = None, content_type: str | None = None
    ) -> TestResponse:
        headers = self.headers(method, BASE + path, data) | ({"Idempotency-Key": key} if key else {})
        return self.client.open(BASE + path, method=method, data=data, headers=headers, content_type=content_type)

    def post(self, path: str, body: Any = None, *, key: str | None = "") -> TestResponse:
        """Send JSON, under a new idempotency key unless one is given; None sends none."""
        data = json.dumps({} if body is None else body).encode()
        key = unused("key") if key == "" else key
        return self.send("POST", path, data=data, key=key, content_type="application/json")

    def get(self, path: str, query: Mapping[str, object] | None = None) -> TestResponse:
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path)

    def ref_of(self, member: Member) -> str:
        """Return a reference for a member who shows the code of this minute."""
        code = current_code(CODE_KEY, member.id, self.container.clock.now()).code
        answer = self.post("/member-refs", {"store_code": self.store.code, "member_code": code})
        assert answer.status_code == 201, answer.text
        return str(answer.json["member_ref"])  # type: ignore[index]


def available(till: Till, ref: str) -> int:
    """Return the points that a till sees a member may spend."""
    return int(till.get(f"/members/{ref}").json["points_available"])  # type: ignore[index]


def a_purchase(till: Till, ref: str | None = None, **changes: Any) -> dict[str, Any]:
    body = {
        "store_code": till.store.code,
        "order_number": unused("order"),
        "paid_at": "2026-03-10T09:58:00+08:00",
        "lines": [dict(line) for line in LINES],
    }
    return body | ({"member_ref": ref} if ref else {}) | changes


def a_refund(till: Till, order_number: str, *lines: tuple[int, int, int], **changes: Any) -> dict[str, Any]:
    return {
        "store_code": till.store.code,
        "refund_number": unused("refund"),
        "order_number": order_number,
        "refunded_at": "2026-03-10T09:59:00+08:00",
        "lines": [dict(zip(("line_number", "quantity", "amount_fen"), line, strict=True)) for line in lines],
    } | changes


MakeTill = Callable[..., Till]


@pytest.fixture
def make_till(client: FlaskClient, container: NullContainer, session: Session) -> MakeTill:
    """Hand out a till of a new key; for a store of its own unless one is given."""

    def make(store: Store | None = None, **options: Any) -> Till:
        store = store or make_store(session)
        key, secret = make_key(session, [store], **options)
        session.commit()
        return Till(client, container, key, secret, store)

    return make


@pytest.fixture
def till(make_till: MakeTill) -> Till:
    return make_till()


@pytest.fixture
def ref(till: Till, member: Member) -> str:
    """A reference to the member, who showed their code."""
    return till.ref_of(member)


@pytest.fixture
def one_point_a_yuan(session: Session) -> None:
    make_rule(session)
    session.commit()


@pytest.fixture
def member(session: Session) -> Member:
    member = make_member(session, nickname="小明")
    session.commit()
    return member
