"""Only signed requests come in: wrong, old, replayed and unsigned ones are told apart, and nothing else is told."""

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app import create_app
from loyalty.kernel.database import Database
from loyalty.partners.rules.signatures import sign
from loyalty.partners.service import keys
from tests.factories.partners import ACTOR, make_key
from tests.factories.stores import make_store
from tests.portal.partner_api.conftest import BASE, MakeTill, Till
from tests.support.containers import null_container

STATEMENT = f"{BASE}/statement?on=2026-03-10"
DAY = {"on": "2026-03-10"}


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, str(answer.json["error"]["code"])  # type: ignore[index]


def test_a_signed_request_comes_in(till: Till) -> None:
    assert till.get("/statement", DAY).status_code == 200


def test_an_unsigned_request_is_refused_before_it_is_read(app: Flask, client: FlaskClient) -> None:
    asked = 0
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(BASE) and not rule.endpoint.startswith("partner_docs"):
            path = app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, 1), method=None)
            for method in (rule.methods or set()) & {"GET", "POST"}:
                refused = client.open(path, method=method, data=b"{", content_type="application/json")
                assert code_of(refused) == (401, "signature_missing"), (method, path)
                asked += 1

    assert asked == 23


def test_a_replayed_request_is_refused(till: Till) -> None:
    headers = till.headers("GET", STATEMENT)

    assert till.client.get(STATEMENT, headers=headers).status_code == 200
    assert code_of(till.client.get(STATEMENT, headers=headers)) == (401, "nonce_used")


def test_an_old_request_is_refused_by_its_age_alone(till: Till) -> None:
    headers = till.headers("GET", STATEMENT)
    till.container.clock.advance(minutes=6)  # type: ignore[attr-defined]

    for key_id in (till.key.key_id, "pk_0123456789abcdef"):
        refused = till.client.get(STATEMENT, headers=headers | {"Partner-Key": key_id})
        assert code_of(refused) == (401, "signature_outdated")


def test_a_wrong_secret_an_unknown_key_and_one_switched_off_get_the_same_answer(
    till: Till, make_till: MakeTill, session: Session
) -> None:
    off = make_till()
    keys.switch_off(session, partner_key_id=off.key.id, actor=ACTOR, at=till.container.clock.now())
    session.commit()
    wrong = Till(till.client, till.container, till.key, "another secret", till.store)
    headers = till.headers("GET", STATEMENT) | {"Partner-Key": "pk_0123456789abcdef"}

    answers = [
        wrong.get("/statement", DAY), off.get("/statement", DAY), till.client.get(STATEMENT, headers=headers),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [401] * 3
    assert [answer.json["error"] for answer in answers] == [answers[0].json["error"]] * 3  # type: ignore[index]
    assert code_of(answers[0]) == (401, "signature_invalid")


@pytest.mark.parametrize(
    "changed", [{"data": b'{"events": []} '}, {"path": f"{BASE}/events"}, {"path": f"{BASE}/batches?a=1"}]
)
def test_what_was_signed_is_what_is_taken(till: Till, changed: dict[str, Any]) -> None:
    body, target = b'{"events": []}', f"{BASE}/batches"
    headers = till.headers("POST", target, body)

    request: dict[str, Any] = {"path": target, "data": body} | changed
    refused = till.client.post(**request, headers=headers, content_type="application/json")

    assert code_of(refused) == (401, "signature_invalid")


def test_what_was_signed_for_one_method_is_not_taken_with_another(till: Till) -> None:
    refused = till.client.get(STATEMENT, headers=till.headers("POST", STATEMENT))

    assert code_of(refused) == (401, "signature_invalid")


def test_the_query_is_signed_as_it_is_sent(till: Till) -> None:
    assert till.send("GET", "/statement?on=2026%2D03%2D10&limit=1").status_code == 200


def test_a_header_that_no_client_writes_is_refused(till: Till) -> None:
    for name in ("Partner-Key", "Partner-Timestamp", "Partner-Nonce", "Partner-Signature"):
        for value in ("", "é", "x" * 60_000, "1e9"):
            refused = till.client.get(STATEMENT, headers=till.headers("GET", STATEMENT) | {name: value})
            assert code_of(refused) == (401, "signature_missing")


def test_the_signature_is_the_one_that_the_page_describes() -> None:
    signature = sign("secret", method="GET", target="/partner/v1/statement?on=2026-03-10", timestamp="1773108000",
                     nonce="0123456789abcdef", body=b"")  # fmt: skip

    # printf 'GET\n/partner/v1/statement?on=2026-03-10\n1773108000\n0123456789abcdef\n<sha256 of nothing>' |
    #     openssl dgst -sha256 -hmac secret
    assert signature == "129cde664f6a584b71dfedc141b8685343ccaa31f2f48a19f9cf0a8a188672b1"


def test_requests_over_the_keys_rate_are_told_when_to_come_back(make_till: MakeTill) -> None:
    slow, other = make_till(requests_per_minute=3), make_till(requests_per_minute=3)
    for _ in range(3):
        assert slow.get("/statement", DAY).status_code == 200

    refused = slow.get("/statement", DAY)

    assert code_of(refused) == (429, "limit_reached")
    assert 0 < int(refused.headers["Retry-After"]) <= 61
    assert other.get("/statement", DAY).status_code == 200


def test_who_cannot_sign_does_not_use_up_the_rate_of_the_key(make_till: MakeTill) -> None:
    slow = make_till(requests_per_minute=1)
    for _ in range(3):
        slow.client.get(STATEMENT, headers=slow.headers("GET", STATEMENT) | {"Partner-Signature": "0" * 64})

    assert slow.get("/statement", DAY).status_code == 200


def test_without_redis_tills_go_on_and_are_still_limited(database: Database, session: Session, at: datetime) -> None:
    container = null_container(database, redis_url="redis://127.0.0.1:1/0", at=at)
    app = create_app(container)
    app.testing = True
    store = make_store(session)
    key, secret = make_key(session, [store], requests_per_minute=3)
    session.commit()
    till = Till(app.test_client(), container, key, secret, store)

    assert [till.get("/statement", DAY).status_code for _ in range(4)] == [200, 200, 200, 429]
