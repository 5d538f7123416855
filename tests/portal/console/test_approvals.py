"""What waits for approval: of every kind, for whoever may decide on it, and never for who made it."""

import base64
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from loyalty.adjustments import service as adjusting
from loyalty.adjustments.rules.single import Reason
from loyalty.approvals.rules import ApprovalKind
from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.campaigns.service.drafting import create_campaign
from loyalty.campaigns.service.life import submit
from loyalty.campaigns.service.settings import save_settings
from loyalty.coupons.service import issue_jobs as issuing
from loyalty.earning.rules.lifecycle import OverridePolicy
from loyalty.earning.service.rules import set_override_policy
from loyalty.kernel.audit import Actor
from loyalty.members.models import Member
from loyalty.partners.rules.keys import KeyDetails
from loyalty.partners.service import keys
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.service import batches
from loyalty.reports.waiting import WaitingKind
from loyalty.staff.rules import PERMISSIONS, Permission, Role
from portal.console.access import access_of
from portal.console.approval_words import KIND_NAMES
from portal.console.approvals import DESKS
from tests.earning.drafts import draft
from tests.factories.adjustments import csv_of, work_off
from tests.factories.campaigns import SHANGHAI, campaign_of
from tests.factories.earning import make_rule
from tests.factories.members import make_member
from tests.factories.payouts import Earner, ask, configure
from tests.factories.stores import make_headquarters, make_store
from tests.portal.console.conftest import Browser, LogIn, download
from tests.support.containers import NullContainer
from tests.support.settings import VAULT
from tests.support.statements import StatementCounter

HERE = "/console/approvals"
SOMEBODY = Actor("staff:987654")
PHONE = "+8613912348765"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def one_of_each(
    session: Session, container: NullContainer, template_id: int, earner: Earner, tag_id: int, at: datetime
) -> list[str]:
    """One thing of each kind waits, asked for through its own module; returns their pages, the oldest first."""
    programme = PayoutProgramme(
        minimum_fen=100, member_day_fen=10**6, day_fen=10**8, approval_above_fen=100, batch_day=10
    )
    configure(session, programme=programme, at=at)
    make_member(session, phone=PHONE)
    session.commit()
    batch_id = adjust(container, session, at)
    job_id = issue(container, session, template_id, tag_id, at=at + MINUTE)
    campaign_id = propose_campaign(session, tag_id, at + 2 * MINUTE)
    payout = ask(session, earner, 500_00, at=at + 3 * MINUTE)
    paid_batch_id = batches.plan(session, on=date(2026, 3, 10), at=at + 4 * MINUTE)
    details = KeyDetails("客户系统", 60, frozenset({make_headquarters(session).id}))
    key, _secret = keys.create_key(session, vault=VAULT, details=details, actor=SOMEBODY, at=at + 5 * MINUTE)
    rule_id = propose_override(session, at + 6 * MINUTE)
    session.commit()
    return [
        f"adjustments/{batch_id}",
        f"coupon-issues/{job_id}",
        f"campaigns/{campaign_id}/decision",
        f"payouts/{payout.id}",
        f"payout-batches/{paid_batch_id}",
        f"partner-keys/{key.id}",
        f"earning-rules/{rule_id}",
    ]


def adjust(container: NullContainer, session: Session, at: datetime) -> int:
    content = base64.b64encode(csv_of([[PHONE.removeprefix("+86"), 5]])).decode()
    values = {"title": "三月补发", "reason": Reason.GIFT, "expires_on": None, "parts": [content], "zone": SHANGHAI}
    batch_id = adjusting.upload(session, vault=VAULT, actor=SOMEBODY, at=at, **values)  # type: ignore[arg-type]
    session.commit()
    work_off(container)
    adjusting.submit(session, batch_id=batch_id, actor=SOMEBODY, at=at)
    return batch_id


def issue(
    container: NullContainer,
    session: Session,
    template_id: int,
    tag_id: int,
    *,
    maker: Actor = SOMEBODY,
    asker: Actor = SOMEBODY,
    at: datetime,
) -> int:
    values = {"title": "按标签发券", "template_id": template_id, "store_id": None, "tag_id": tag_id}
    job_id = issuing.create_for_tag(session, actor=maker, at=at, **values)  # type: ignore[arg-type]
    session.commit()
    work_off(container)
    issuing.submit(session, job_id=job_id, actor=asker, at=at)
    session.commit()
    return job_id


def propose_campaign(session: Session, tag_id: int, at: datetime, *, maker: Actor = SOMEBODY) -> int:
    save_settings(session, settings=CampaignSettings(approval_above_fen=0), actor=SOMEBODY, at=at)
    terms = campaign_of(tag_id, title="答谢")
    campaign_id = create_campaign(session, terms=terms, actor=maker, zone=SHANGHAI, at=at)
    submit(session, campaign_id=campaign_id, actor=SOMEBODY, vault=VAULT, zone=SHANGHAI, at=at)
    session.commit()
    return campaign_id


def propose_override(session: Session, at: datetime) -> int:
    rule_id, place = make_rule(session, at=at - DAY), make_store(session, name="滨江店")
    set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.EXCLUDE, actor=SOMEBODY, at=at)
    draft(session, rule_id, at, None, name="消费积分", node_id=place.id, actor=SOMEBODY)
    return rule_id


def own_name(browser: Browser) -> Actor:
    assert browser.staff is not None
    return Actor(f"staff:{browser.staff.id}")


def listed(browser: Browser, query: str = "") -> list[tuple[str, str, str, str]]:
    rows = download(browser, f"approvals.csv{query}")
    return [(row["类型"], row["内容"], row["说明"], row["由谁复核"]) for row in rows]


class TestTheKinds:
    def test_are_all_there_each_with_its_name_and_the_page_it_is_decided_on(self, app: Flask) -> None:
        assert set(WaitingKind) == {*map(str, ApprovalKind), "earning_override"}
        assert set(DESKS) == set(KIND_NAMES) == set(WaitingKind)
        for desk in DESKS.values():
            page = access_of(app.view_functions[desk.endpoint])
            assert page is not None
            for role, permissions in PERMISSIONS.items():
                assert desk.permission not in permissions or page.permission in permissions, (desk.endpoint, role)

    def test_have_the_page_in_the_menu_of_everybody_who_may_decide_on_one(self) -> None:
        deciding = {desk.permission for desk in DESKS.values()}

        for role, permissions in PERMISSIONS.items():
            assert (Permission.APPROVALS_DECIDE in permissions) == bool(deciding & permissions), role


class TestTheList:
    def test_has_one_of_each_kind_the_newest_last_and_leads_to_where_it_is_decided(
        self, admin: Browser, session: Session, one_of_each: list[str], earner: Earner
    ) -> None:
        number = session.get_one(Member, earner.id).number
        page = admin.text(HERE)

        assert [row[:3] for row in listed(admin)] == [
            ("批量调整积分", "三月补发", "1 位会员，增加 5、扣减 0 积分"),
            ("批量发券", "按标签发券", "早鸟券，名单 2 人"),
            ("营销活动", "答谢", "预计 2 人，最多 ¥0.20"),
            ("提现", f"会员 {number} 的提现", "¥500.00"),
            ("批量打款", "2026-03-10 批量打款", "1 人，合计 ¥500.00"),
            ("接入密钥", "客户系统", "新增密钥"),
            ("门店调整积分规则", "消费积分", "滨江店：不参加这条规则"),
        ]
        positions = [page.index(f'<a class="btn btn-sm" href="/console/{there}">去复核</a>') for there in one_of_each]
        assert positions == sorted(positions)
        for there in one_of_each:
            assert admin.get(f"/console/{there}").status_code == 200

    @pytest.mark.usefixtures("one_of_each")
    def test_holds_what_a_role_decides_and_is_narrowed_by_kind(
        self, marketer: Browser, finance: Browser, log_in: LogIn
    ) -> None:
        assert [row[0] for row in listed(marketer)] == ["批量发券"]
        assert [row[0] for row in listed(finance)] == ["批量调整积分", "营销活动", "提现", "批量打款"]
        assert [row[0] for row in listed(finance, "?kind=payout")] == ["提现"]
        assert listed(marketer, "?kind=payout") == []
        assert log_in(Role.AUDITOR).get(HERE).status_code == 403

    def test_holds_of_a_part_of_the_chain_what_can_be_decided_there(
        self, log_in: LogIn, session: Session, one_of_each: list[str], at: datetime
    ) -> None:
        place = make_store(session)
        here = log_in(Role.HEADQUARTERS_ADMIN, stores=[place])
        rule_id = int(one_of_each[-1].rpartition("/")[2])
        draft(session, rule_id, at, None, name="消费积分", node_id=place.id, actor=SOMEBODY)
        session.commit()

        assert [row[2] for row in listed(here)] == ["人民路店：不参加这条规则", "新增密钥"]

    def test_marks_what_the_reader_made_or_asked_for(
        self, marketer: Browser, container: NullContainer, session: Session, template_id: int, tag_id: int, at: datetime
    ) -> None:
        me = own_name(marketer)
        issue(container, session, template_id, tag_id, asker=me, at=at)
        issue(container, session, template_id, tag_id, maker=me, at=at)
        issue(container, session, template_id, tag_id, at=at)

        assert [row[3] for row in listed(marketer)] == ["须由他人复核", "须由他人复核", "待您复核"]
        assert marketer.text(HERE).count("去复核") == 1
        assert "有 1 项等待您复核" in marketer.text("/console/dashboard")

    def test_says_that_nothing_waits(self, admin: Browser) -> None:
        assert "没有等待复核的内容" in admin.text(HERE)
        assert "等待您复核" not in admin.text("/console/dashboard")

    def test_sends_as_many_statements_however_much_waits(
        self, admin: Browser, session: Session, one_of_each: list[str], statements: StatementCounter, at: datetime
    ) -> None:
        statements.clear()
        admin.text(HERE)
        few = statements.count
        for number in range(3):
            propose_override(session, at + number * MINUTE)
        session.commit()
        statements.clear()

        assert admin.text(HERE).count("去复核") == len(one_of_each) + 3
        assert statements.count == few


def test_the_start_page_counts_what_the_reader_decides_without_what_they_made_for_another_to_submit(
    finance: Browser, log_in: LogIn, session: Session, tag_id: int, at: datetime
) -> None:
    """Both who drafted a campaign and who submitted it are refused at the decision."""
    propose_campaign(session, tag_id, at, maker=own_name(finance))
    propose_campaign(session, tag_id, at)

    assert "有 1 项等待您复核" in finance.text("/console/dashboard")
    assert "有 2 项等待您复核" in log_in(Role.FINANCE).text("/console/dashboard")
    assert "等待您复核" not in log_in(Role.MARKETER).text("/console/dashboard")
