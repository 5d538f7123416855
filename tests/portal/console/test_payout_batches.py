"""Batches of payouts in the console, and how the platform's bill differs."""

import re
from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import BillLine
from loyalty.kernel import bulk
from loyalty.kernel.audit import list_entries
from loyalty.payouts.rules.batches import Work, subject_of
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.service import batches
from loyalty.payouts.service.reconciling import reconcile
from tests.factories.check_ins import SHANGHAI
from tests.factories.payouts import Earner, configure, make_earner
from tests.portal.console.conftest import Browser
from tests.support.events import recorded


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

    def test_that_an_error_stopped_go_on_from_the_page(
        self, finance: Browser, auditor: Browser, session: Session, batch_id: int
    ) -> None:
        finance.submit(f"/console/payout-batches/{batch_id}/decide", decision="approve")
        assert "resume" not in finance.text(f"/console/payout-batches/{batch_id}")
        paying = bulk.find_run(session, kind=Work.PAY, subject=subject_of(batch_id))
        assert paying is not None
        bulk.pause(session, run_id=paying.id, error="KeyError")
        session.commit()
        address = f"/console/payout-batches/{batch_id}/resume"
        assert address in finance.text(f"/console/payout-batches/{batch_id}")
        assert address not in auditor.text(f"/console/payout-batches/{batch_id}")
        assert auditor.post(address).status_code == 403

        assert "继续执行" in finance.submit(address)

        assert [payload["run_id"] for payload in recorded(session, "bulk.wanted")][-2:] == [paying.id, paying.id]
        assert list_entries(session, action="payouts.resume_batch")[0].subject == f"payout_batch:{batch_id}"
        assert "已处于该状态" in finance.submit(address)

    def test_that_nobody_approved_cannot_go_on(self, finance: Browser, batch_id: int) -> None:
        assert "该打款批次已处理" in finance.submit(f"/console/payout-batches/{batch_id}/resume")

    def test_say_when_the_next_is_due(self, finance: Browser, batch_id: int) -> None:
        assert "下一批：<strong>2026-03-10</strong>" in finance.text("/console/payout-batches")


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
