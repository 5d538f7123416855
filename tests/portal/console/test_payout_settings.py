"""Settings of payouts in the console: limits and the scene; tables of tax, and the declaration."""

from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.kernel.audit import list_entries
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.members.service import give_consent
from loyalty.payouts.queries.configuration import find_programme, find_scene, list_rates
from loyalty.payouts.queries.payouts import PayoutView, get_payout
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service.payees import save_payee
from loyalty.payouts.service.sending import drive
from tests.factories.payouts import STAFF, Earner, ask, make_sender
from tests.portal.console.conftest import Browser
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


def settle(session: Session, container: NullContainer, payout: PayoutView) -> None:
    """Let WeChat Pay have paid."""
    assert isinstance(container.clock, StandingClock)
    sender = make_sender(container.database, container.wechat_pay, container.clock)
    drive(sender, payout_id=payout.id)
    container.wechat_pay.end(payout.out_bill_no, TransferState.SUCCESS)
    container.clock.advance(minutes=2)
    drive(sender, payout_id=payout.id)
    session.expire_all()
    assert get_payout(session, payout_id=payout.id).state is PayoutState.SUCCESS
