"""Receipts in the console: asked for on the page of a payout, followed there, taken by who may see names."""

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.pay_protocols import ReceiptState
from loyalty.kernel.audit import list_entries
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.service.receipts import Desk, step
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.payouts import Earner, ask
from tests.factories.receipts import arrive
from tests.portal.console.conftest import Browser, LogIn
from tests.support.containers import NullContainer, StandingClock


@pytest.fixture
def clock(container: NullContainer) -> StandingClock:
    assert isinstance(container.clock, StandingClock)
    return container.clock


@pytest.fixture
def payout(session: Session, container: NullContainer, clock: StandingClock) -> PayoutView:
    return arrive(session, container.database, container.wechat_pay, clock)


@pytest.fixture
def desk(container: NullContainer) -> Desk:
    return Desk(container.database, container.wechat_pay, container.clock.now)


def test_it_is_asked_for_followed_and_downloaded(
    finance: Browser,
    auditor: Browser,
    session: Session,
    container: NullContainer,
    clock: StandingClock,
    desk: Desk,
    payout: PayoutView,
) -> None:
    path = f"/console/payouts/{payout.id}"
    assert "申请电子回单" in finance.text(path)
    assert "申请电子回单</button>" not in auditor.text(path)
    assert "已申请电子回单" in finance.submit(f"{path}/receipt")
    step(desk, payout_id=payout.id)
    assert "生成中" in finance.text(path)
    assert "尚未生成" in finance.submit(f"{path}/receipt/download")
    container.wechat_pay.end_receipt(payout.out_bill_no, ReceiptState.FINISHED)
    clock.advance(minutes=2)
    step(desk, payout_id=payout.id)
    assert "下载电子回单</button>" in finance.text(path)

    file = finance.post(f"{path}/receipt/download")

    assert (file.mimetype, file.headers["Cache-Control"]) == ("application/pdf", "no-store")
    assert payout.out_bill_no.encode() in file.data
    assert len(list_entries(session, action="payouts.download_receipt")) == 1
    container.wechat_pay.receipt_files.append(WechatUnavailable(interface="elecsign", reason="another digest"))
    assert "微信暂时没有响应" in finance.submit(f"{path}/receipt/download")
    for action in ("receipt", "receipt/download"):
        assert auditor.post(f"{path}/{action}").status_code == 403


def test_a_part_of_the_chain_has_none(log_in: LogIn, payout: PayoutView, store: Store) -> None:
    part = log_in(Role.FINANCE, stores=[store])

    for action in ("receipt", "receipt/download"):
        assert part.post(f"/console/payouts/{payout.id}/{action}").status_code == 403


def test_what_has_none_is_told_plainly(finance: Browser, session: Session, earner: Earner) -> None:
    small = ask(session, earner, 1_000)
    session.commit()

    assert "电子回单" not in finance.text(f"/console/payouts/{small.id}")
    assert "2000 元及以上" in finance.submit(f"/console/payouts/{small.id}/receipt")
    assert finance.post("/console/payouts/999999/receipt/download").status_code == 303
