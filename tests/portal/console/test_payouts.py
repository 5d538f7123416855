"""Payouts in the console: who sees them, who decides, the pause; a member's earnings."""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel.audit import list_entries
from loyalty.members.models import Member
from loyalty.payouts.queries.payouts import PayoutView, get_payout
from loyalty.payouts.service.pausing import pause_for_money
from loyalty.payouts.service.sending import drive
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.earnings import make_available
from tests.factories.payouts import Earner, ask, make_sender
from tests.portal.console.conftest import Browser, LogIn
from tests.support.containers import NullContainer, StandingClock


@pytest.fixture
def payout(session: Session, earner: Earner, at: datetime) -> PayoutView:
    """A payout of ¥600, which somebody has to approve."""
    made = ask(session, earner, 60_000, at=at)
    session.commit()
    return made


def state_of(session: Session, payout: PayoutView) -> str:
    session.expire_all()
    return get_payout(session, payout_id=payout.id).state.value


class TestList:
    def test_shows_filters_and_exports(self, finance: Browser, session: Session, payout: PayoutView) -> None:
        page = finance.text("/console/payouts?state=awaiting_approval")
        none = finance.text("/console/payouts?state=success")
        file = finance.post(f"/console/payouts/export?state=awaiting_approval&member_id={payout.member_id}").text

        assert "¥600.00" in page
        assert "没有符合条件的提现" in none
        assert payout.out_bill_no in file
        (entry, *_rest) = list_entries(session, action="payouts.export")
        assert entry.after == {"state": "awaiting_approval", "member_id": str(payout.member_id)}

    @pytest.mark.parametrize("query", ["state=lost", "batch_id=x", "cursor=!!"])
    def test_a_filter_that_makes_no_sense_is_refused(self, finance: Browser, query: str) -> None:
        assert finance.get(f"/console/payouts?{query}").status_code == 422

    def test_a_part_of_the_chain_sees_none(self, log_in: LogIn, payout: PayoutView, store: Store) -> None:
        part = log_in(Role.FINANCE, stores=[store])

        for path in ("payouts", f"payouts/{payout.id}", "payout-batches", "payout-settings", "payout-tax"):
            assert part.get(f"/console/{path}").status_code == 403, path


class TestOne:
    def test_is_approved_and_sent_and_tells_all_that_happened(
        self, finance: Browser, session: Session, container: NullContainer, payout: PayoutView
    ) -> None:
        finance.submit(f"/console/payouts/{payout.id}/decide", decision="approve")
        assert isinstance(container.clock, StandingClock)
        drive(make_sender(container.database, container.wechat_pay, container.clock), payout_id=payout.id)

        page = finance.text(f"/console/payouts/{payout.id}")

        assert [name for name in ("申请", "复核通过", "发起转账", "转账应答") if name not in page] == []
        assert "待会员确认" in page
        assert "WAIT_USER_CONFIRM" in page
        assert "package-" not in page

    def test_that_is_refused_gives_the_money_back(self, finance: Browser, session: Session, payout: PayoutView) -> None:
        page = finance.submit(f"/console/payouts/{payout.id}/decide", decision="refuse")

        assert "已拒绝，金额已退回会员" in page
        assert state_of(session, payout) == "returned"
        assert "已被处理" not in page
        assert "不在待复核状态" in finance.submit(f"/console/payouts/{payout.id}/decide", decision="approve")

    def test_that_contradicts_wechat_pay_is_looked_at_with_a_reason(
        self, finance: Browser, auditor: Browser, session: Session, payout: PayoutView
    ) -> None:
        session.execute(text("UPDATE payouts SET contradiction = 'amount_differs' WHERE id = :id"), {"id": payout.id})
        session.commit()
        path = f"/console/payouts/{payout.id}"
        assert auditor.post(f"{path}/contradiction", reason="已核实").status_code == 403
        assert "请填写 200 字以内的理由" in finance.submit(f"{path}/contradiction", reason=" ")
        assert "金额与微信支付不一致" in finance.text(path)

        for _ in range(2):
            page = finance.submit(f"{path}/contradiction", reason="商户平台金额正确")

        assert (f"{path}/contradiction" in page, "人工核实矛盾" in page) == (False, True)
        (entry,) = list_entries(session, action="payouts.settle_contradiction")
        assert (entry.before, entry.after) == ({"contradiction": "amount_differs"}, {"reason": "商户平台金额正确"})

    def test_is_called_back(self, finance: Browser, session: Session, earner: Earner, at: datetime) -> None:
        small = ask(session, earner, 1_000, at=at)
        session.commit()

        finance.submit(f"/console/payouts/{small.id}/cancel")

        assert state_of(session, small) == "returned"

    def test_an_auditor_reads_only(self, auditor: Browser, session: Session, payout: PayoutView) -> None:
        page = auditor.text(f"/console/payouts/{payout.id}")

        assert "等待有复核权限的同事处理" in page
        for action in ("decide", "cancel"):
            assert auditor.post(f"/console/payouts/{payout.id}/{action}", decision="approve").status_code == 403
        assert state_of(session, payout) == "awaiting_approval"


class TestPause:
    def test_for_want_of_money_is_seen_and_ended_after_a_top_up(
        self, finance: Browser, session: Session, payout: PayoutView, at: datetime
    ) -> None:
        pause_for_money(session, payout_id=payout.id, actor="system:payouts", at=at)
        session.commit()
        assert "打款已暂停：商户运营账户余额不足" in finance.text("/console/payouts")

        assert "已恢复打款" in finance.submit("/console/payouts/resume")

        assert "打款已暂停" not in finance.text("/console/payouts")
        assert "打款未处于暂停状态" in finance.submit("/console/payouts/resume")

    @pytest.mark.parametrize(
        "page",
        [
            "dashboard",
            "payouts",
            "payouts/{payout_id}",
            "payout-batches",
            "payout-batches/rehearsal",
            "payout-discrepancies",
            "payout-tax",
            "payout-settings",
        ],
    )
    def test_is_told_on_the_start_page_and_wherever_payouts_are(
        self, finance: Browser, session: Session, payout: PayoutView, at: datetime, page: str
    ) -> None:
        address = f"/console/{page.format(payout_id=payout.id)}"
        assert "打款已暂停" not in finance.text(address)

        pause_for_money(session, payout_id=payout.id, actor="system:payouts", at=at)
        session.commit()

        assert finance.text(address).count("打款已暂停：商户运营账户余额不足") == 1
        assert "已充值，恢复打款" in finance.text(address)

    def test_is_nothing_to_those_who_see_no_payouts(
        self, log_in: LogIn, session: Session, store: Store, at: datetime
    ) -> None:
        pause_for_money(session, payout_id=None, actor="system:payouts", at=at)
        session.commit()

        for caller in (log_in(Role.MARKETER), log_in(Role.FINANCE, stores=[store])):
            assert "打款已暂停" not in caller.text("/console/dashboard")

    def test_by_hand(self, finance: Browser, auditor: Browser) -> None:
        finance.submit("/console/payouts/pause")

        assert "人工暂停" in auditor.text("/console/payouts")
        assert "恢复打款" not in auditor.text("/console/payouts")
        assert auditor.post("/console/payouts/resume").status_code == 403


def test_a_members_earnings_are_shown_with_reasons_and_exported(
    finance: Browser, session: Session, member: Member, at: datetime
) -> None:
    make_available(session, member.id, 1_234, at=at)
    session.commit()

    page = finance.text(f"/console/members/{member.id}/earnings?kind=approve")
    file = finance.post(f"/console/members/{member.id}/earnings/export").text

    assert "收益结算，可以提现" in page
    assert "获得收益，待结算,12.34,12.34,0,0" in file
