"""Payouts in the console: who sees them, who decides, the pause, batches, settings, tax and the platform's bill."""

import re
from datetime import date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import BillLine, TransferState
from loyalty.kernel.audit import list_entries
from loyalty.members.models import Member
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.members.service import give_consent
from loyalty.payouts.queries.configuration import find_programme, find_scene, list_rates
from loyalty.payouts.queries.payouts import PayoutView, get_payout
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.service import batches
from loyalty.payouts.service.pausing import pause_for_money
from loyalty.payouts.service.payees import save_payee
from loyalty.payouts.service.reconciling import reconcile
from loyalty.payouts.service.sending import drive
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import make_available
from tests.factories.payouts import STAFF, Earner, ask, configure, make_earner, make_sender
from tests.portal.console.conftest import Browser, LogIn
from tests.support.containers import NullContainer, StandingClock
from tests.support.settings import VAULT

SETTINGS = {
    "minimum_fen": "5",
    "member_day_fen": "2,000",
    "day_fen": "50000",
    "approval_above_fen": "200.50",
    "points_per_yuan": "",
    "batch_day": "15",
    "income_kind": "labour",
}
SCENE = {
    "scene_id": "1005",
    "remark": "佣金",
    "perception": "",
    "report_kind": ["岗位类型", "报酬说明", ""],
    "report_text": ["推广员", "推广佣金", ""],
}
LABOUR = {
    "income_kind": "labour",
    "live_from_on": "2026-03-01",
    "tax_period": "payment",
    "small_up_to": "4000",
    "small_deduction": "800",
    "deduction_percent": "20",
    "monthly_allowance": "",
    "up_to": ["20000", "50000", "", ""],
    "rate": ["20", "30", "40", ""],
    "quick": ["", "2000", "7000", ""],
}


@pytest.fixture
def finance(log_in: LogIn) -> Browser:
    return log_in(Role.FINANCE)


@pytest.fixture
def auditor(log_in: LogIn) -> Browser:
    return log_in(Role.AUDITOR)


@pytest.fixture
def earner(session: Session, at: datetime) -> Earner:
    """A member with ¥1,000, and payouts that are open."""
    configure(session, at=at)
    return make_earner(session)


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

    def test_by_hand(self, finance: Browser, auditor: Browser) -> None:
        finance.submit("/console/payouts/pause")

        assert "人工暂停" in auditor.text("/console/payouts")
        assert "恢复打款" not in auditor.text("/console/payouts")
        assert auditor.post("/console/payouts/resume").status_code == 403


class TestBatches:
    @pytest.fixture
    def batch_id(self, session: Session, earner: Earner, at: datetime) -> int:
        configure(session, programme=PayoutProgramme(batch_day=10, approval_above_fen=100), at=at)
        planned = batches.plan(session, on=date(2026, 3, 10), at=at)
        session.commit()
        assert planned is not None
        return planned

    def test_are_rehearsed_without_a_trace(
        self, finance: Browser, session: Session, earner: Earner, at: datetime
    ) -> None:
        rich = make_earner(session, available_fen=999_999_999)
        configure(session, programme=PayoutProgramme(member_day_fen=10**9, day_fen=10**9), at=at)
        session.commit()

        page = finance.text("/console/payout-batches/rehearsal")

        row = re.search(rf"members/{rich.id}/earnings.*?</tr>", page, re.DOTALL)
        assert row is not None
        assert "须先填写收款人实名信息" in row[0]
        assert "没有符合条件的提现" in finance.text(f"/console/payouts?member_id={rich.id}")
        assert "¥9,999,999.99" in finance.text(f"/console/members/{rich.id}/earnings")

    def test_are_approved_by_a_person(self, finance: Browser, session: Session, batch_id: int) -> None:
        assert "2026-03-10" in finance.text("/console/payout-batches")

        page = finance.submit(f"/console/payout-batches/{batch_id}/decide", decision="approve")

        assert "已通过，开始打款" in page
        assert "已开始" in page
        assert "该打款批次已处理" in finance.submit(f"/console/payout-batches/{batch_id}/decide", decision="refuse")

    def test_say_when_the_next_is_due(self, finance: Browser, batch_id: int) -> None:
        assert "下一批：<strong>2026-03-10</strong>" in finance.text("/console/payout-batches")


class TestSettings:
    def test_are_saved_and_audited(self, finance: Browser, session: Session) -> None:
        finance.submit("/console/payout-settings", **SETTINGS)
        finance.submit("/console/payout-settings/scene", **SCENE)

        assert find_programme(session) == PayoutProgramme(500, 200_000, 5_000_000, 20_050, None, 15)
        scene = find_scene(session)
        assert scene is not None
        assert scene.report == (("岗位类型", "推广员"), ("报酬说明", "推广佣金"))
        assert 'value="200.50"' in finance.text("/console/payout-settings")

    @pytest.mark.parametrize(
        ("path", "fields", "told"),
        [
            ("", SETTINGS | {"minimum_fen": "0.05"}, "最低提现金额"),
            ("", SETTINGS | {"day_fen": "1"}, "全部会员每天上限"),
            ("", SETTINGS | {"batch_day": "31"}, "批量打款日"),
            ("", SETTINGS | {"member_day_fen": "很多"}, "每人每天上限"),
            ("/scene", SCENE | {"scene_id": "10x5"}, "场景编号"),
            ("/scene", SCENE | {"report_text": ["推广员", "", ""]}, "报备信息"),
        ],
    )
    def test_that_make_no_sense_are_refused_by_name_and_what_was_typed_stays(
        self, finance: Browser, session: Session, path: str, fields: dict[str, object], told: str
    ) -> None:
        answer = finance.post(f"/console/payout-settings{path}", **fields)

        assert answer.status_code == 422
        assert f"：{told}" in answer.text
        assert 'value="推广员"' in answer.text or 'value="50000"' in answer.text or 'value="1"' in answer.text
        assert (find_programme(session), find_scene(session)) == (None, None)

    def test_an_auditor_reads_only(self, auditor: Browser) -> None:
        assert "保存" not in auditor.text("/console/payout-settings")
        assert auditor.post("/console/payout-settings", **SETTINGS).status_code == 403


class TestTax:
    def test_tables_are_dated_and_told_in_words(self, finance: Browser, session: Session) -> None:
        page = finance.submit("/console/payout-tax", **LABOUR)
        later = finance.submit("/console/payout-tax", **LABOUR | {"live_from_on": "2026-06-01"})

        assert "不超过 ¥4,000.00 减除 ¥800.00" in page
        assert "其余 40%（速算扣除 ¥7,000.00）" in page
        assert ("生效中" in later, "待生效" in later) == (True, True)
        assert [rate.live_from_on for rate in list_rates(session)] == [date(2026, 6, 1), date(2026, 3, 1)]

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"up_to": ["50000", "20000", "", ""]}, "级距须从低到高"),
            ({"rate": ["20", "30", "140", ""]}, "比例须在 0–100 之间"),
            ({"small_up_to": "四千"}, "金额"),
            ({"live_from_on": "soon"}, "生效日期"),
        ],
    )
    def test_a_table_that_cannot_be_reckoned_is_refused(
        self, finance: Browser, session: Session, changes: dict[str, object], told: str
    ) -> None:
        answer = finance.post("/console/payout-tax", **LABOUR | changes)

        assert answer.status_code == 422
        assert told in answer.text
        assert 'value="800"' in answer.text
        assert list_rates(session) == []

    def test_the_declaration_shows_who_consented_and_is_audited(
        self,
        finance: Browser,
        auditor: Browser,
        session: Session,
        container: NullContainer,
        earner: Earner,
        at: datetime,
    ) -> None:
        give_consent(session, member_id=earner.id, purpose=Purpose.PAYEE_IDENTITY, version="1.0", door=Door.H5, at=at)
        save_payee(
            session, vault=VAULT, member_id=earner.id, name="张三", id_number="11010519491231002X", actor=STAFF, at=at
        )
        paid = ask(session, earner, 20_000, at=at)
        session.commit()
        settle(session, container, paid)

        file = finance.post("/console/payout-tax/withholding", period="2026-03").text
        refused = finance.submit("/console/payout-tax/withholding", period="2026-13")

        assert "张三,11010519491231002X,劳务报酬,2026-03,1,200,0,200" in file
        assert "：月份" in refused
        assert auditor.post("/console/payout-tax/withholding", period="2026-03").status_code == 403
        assert [entry.subject for entry in list_entries(session, action="payouts.export_withholding")] == [
            "period:2026-03"
        ]


class TestBills:
    def test_differences_stay_until_somebody_has_settled_them(
        self, finance: Browser, auditor: Browser, session: Session, at: datetime
    ) -> None:
        line = BillLine("Pnobody", "1330001", 1_234, at, is_return=False)
        reconcile(session, on=date(2026, 3, 9), lines=[line], zone=SHANGHAI, at=at)
        session.commit()
        page, file = (
            auditor.text("/console/payout-discrepancies"),
            auditor.get("/console/payout-discrepancies.csv").text,
        )
        assert "账单里有，系统没有" in page
        assert "标记处理" not in page
        assert "Pnobody,账单里有，系统没有,12.34" in file
        found = re.search(r"payout-discrepancies/(\d+)/settle", finance.text("/console/payout-discrepancies"))
        assert found is not None

        assert "已标记为处理完毕" in finance.submit(f"/console/{found[0]}")

        assert "没有未处理的差异" in finance.text("/console/payout-discrepancies")
        assert "Pnobody" in finance.text("/console/payout-discrepancies?shown=all")


def test_a_members_earnings_are_shown_with_reasons_and_exported(
    finance: Browser, session: Session, member: Member, at: datetime
) -> None:
    make_available(session, member.id, 1_234, at=at)
    session.commit()

    page = finance.text(f"/console/members/{member.id}/earnings?kind=approve")
    file = finance.post(f"/console/members/{member.id}/earnings/export").text

    assert "收益结算，可以提现" in page
    assert "获得收益，待结算,12.34,12.34,0,0" in file


def settle(session: Session, container: NullContainer, payout: PayoutView) -> None:
    """Let WeChat Pay have paid."""
    assert isinstance(container.clock, StandingClock)
    sender = make_sender(container.database, container.wechat_pay, container.clock)
    drive(sender, payout_id=payout.id)
    container.wechat_pay.end(payout.out_bill_no, TransferState.SUCCESS)
    container.clock.advance(minutes=2)
    drive(sender, payout_id=payout.id)
    assert state_of(session, payout) == "success"
