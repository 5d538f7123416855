"""Callbacks of WeChat Pay at the door: what is handed on, and what is refused in the platform's shape."""

from dataclasses import replace
from datetime import UTC, datetime

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app import create_app
from loyalty.gateways.pay_protocols import NoticeRefused, TransferNotice, TransferState
from loyalty.gateways.wechatpay import WechatPayGateway
from loyalty.kernel.database import Database
from tests.factories.payouts import ask, configure, make_earner
from tests.support.containers import NullContainer, null_container
from tests.support.events import recorded
from tests.support.pay_sandbox import merchant_backend, merchant_settings, order_of, pay_sandbox

URL = "/callbacks/wechatpay"
NOTICE = TransferNotice(
    notice_id="n1",
    out_bill_no="B0001",
    transfer_bill_no="1330001",
    state=TransferState.FAIL,
    amount_fen=1234,
    openid="openid-of-somebody",
    fail_reason="ACCOUNT_FROZEN",
)


def test_a_notice_is_handed_on_by_numbers_only_and_acknowledged(
    client: FlaskClient, container: NullContainer, session: Session
) -> None:
    container.wechat_pay.notices.append(NOTICE)

    answer = client.post(URL, data=b"{}")

    assert (answer.status_code, answer.data) == (204, b"")
    assert recorded(session, "payout.noticed") == [
        {
            "out_bill_no": "B0001",
            "state": "FAIL",
            "transfer_bill_no": "1330001",
            "amount_fen": 1234,
            "fail_reason": "ACCOUNT_FROZEN",
            "is_our_payee": True,
        }
    ]


def test_a_notice_that_names_another_payee_says_so_without_naming_them(
    client: FlaskClient, container: NullContainer, session: Session
) -> None:
    configure(session)
    earner = make_earner(session)
    payout = ask(session, earner)
    session.commit()
    notice = replace(NOTICE, out_bill_no=payout.out_bill_no)
    container.wechat_pay.notices.extend([notice, replace(notice, openid=earner.openid)])

    for _ in range(2):
        assert client.post(URL, data=b"{}").status_code == 204

    assert [told["is_our_payee"] for told in recorded(session, "payout.noticed")] == [False, True]
    assert "openid-of-somebody" not in str(recorded(session, "payout.noticed"))


def test_what_is_not_proved_is_refused_without_saying_why(
    client: FlaskClient, container: NullContainer, session: Session
) -> None:
    container.wechat_pay.notices.append(NoticeRefused("serial"))

    answer = client.post(URL, data=b"{}")

    assert (answer.status_code, answer.get_json()["code"]) == (401, "FAIL")
    assert "serial" not in answer.text
    assert recorded(session, "payout.noticed") == []


def test_nobody_looks_at_a_letter_of_any_size_or_by_another_method(client: FlaskClient) -> None:
    huge = client.post(URL, data=b"x" * (64 * 1024 + 1))
    wrong = client.get(URL)

    assert (huge.status_code, huge.get_json()["code"]) == (413, "FAIL")
    assert wrong.status_code == 405


def test_without_a_merchant_there_is_nobody_to_notify(container: NullContainer) -> None:
    app = create_app(replace(container, pay=None))

    assert app.test_client().post(URL, data=b"{}").status_code == 404


def test_a_letter_of_the_platform_is_taken_each_time_it_comes_and_not_once_it_is_changed(
    database: Database, redis_url: str, session: Session
) -> None:
    with pay_sandbox() as sandbox, merchant_backend() as backend:
        gateway = WechatPayGateway(
            merchant_settings(), notify_url=backend.url, sandbox_url=sandbox.url, now=lambda: datetime.now(UTC)
        )
        user = sandbox.user()
        gateway.create_transfer(order_of(user, "C1"))
        sandbox.confirm(user, "C1")
        headers, body = backend.wait_for(1)[0]
    container = replace(null_container(database, redis_url=redis_url, at=datetime.now(UTC)), pay=gateway)
    client = create_app(container).test_client()

    def post(body: bytes) -> int:
        return client.post(URL, data=body, headers=headers | {"Content-Length": str(len(body))}).status_code

    assert [post(body), post(body), post(body.replace(b"MCHTRANSFER", b"TRANSACTION"))] == [204, 204, 401]
    assert [event["state"] for event in recorded(session, "payout.noticed")] == ["SUCCESS"] * 2
