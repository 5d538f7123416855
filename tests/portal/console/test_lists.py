"""Every list of the console: filtered and exported in one way, and none is forgotten."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

import portal.console
from loyalty.kernel import audit, outbox
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.models import Member
from loyalty.points import service as points
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.adjustments import csv_of, upload
from tests.factories.campaign_results import RunningCampaign
from tests.factories.coupons import make_template
from tests.portal.console.conftest import Browser, LogIn, download
from tests.support.settings import OA_APPID

DAY = timedelta(days=1)
TEMPLATES = Path(portal.console.__file__).parent / "templates" / "console"
LISTS = {
    "member_list": ("members", "members/export"),
    "member_entries": ("members/{member_id}/entries", "members/{member_id}/entries/export"),
    "member_lots": ("members/{member_id}/lots", "members/{member_id}/lots/export"),
    "member_holds": ("members/{member_id}/holds", "members/{member_id}/holds/export"),
    "member_evaluations": ("members/{member_id}/evaluations", "members/{member_id}/evaluations/export"),
    "member_orders": ("members/{member_id}/orders", "members/{member_id}/orders/export"),
    "approval_list": ("approvals", "approvals.csv"),
    "binding_list": ("bindings", "bindings.csv"),
    "adjustment_list": ("adjustments", "adjustments.csv"),
    "single_adjustment_list": ("adjustments/singles", "adjustments/singles.csv"),
    "tag_list": ("tags", "tags.csv"),
    "segment_list": ("segments", "segments.csv"),
    "earning_rule_list": ("earning-rules", "earning-rules.csv"),
    "member_coupons": ("members/{member_id}/coupons", "members/{member_id}/coupons/export"),
    "coupon_template_list": ("coupons", "coupons.csv"),
    "coupon_list": ("coupons/{template_id}/issued", "coupons/{template_id}/issued/export"),
    "coupon_code_list": ("coupons/{template_id}/codes", "coupons/{template_id}/codes.csv"),
    "coupon_redemption_list": ("redemptions", "redemptions/export"),
    "coupon_issue_list": ("coupon-issues", "coupon-issues.csv"),
    "coupon_report": ("coupon-report", "coupon-report.csv"),
    "board": ("boards", "boards/days.csv"),
    "broadcast_list": ("broadcasts", "broadcasts.csv"),
    "campaign_list": ("campaigns", "campaigns.csv"),
    "campaign_board": ("campaigns/{campaign_id}/board", "campaigns/{campaign_id}/board.csv"),
    "campaign_entrances": ("campaigns/{campaign_id}/entrances", "campaigns/{campaign_id}/entrances.csv"),
    "partner_key_list": ("partner-keys", "partner-keys.csv"),
    "store_list": ("stores", "stores.csv"),
    "staff_list": ("staff", "staff.csv"),
    "audit_log": ("audit", "audit.csv"),
    "job_board": ("jobs", "jobs.csv"),
    "dead_events": ("events", "events.csv"),
    "mission_list": ("missions", "missions.csv"),
    "commission_list": ("commissions", "commissions/export"),
    "member_earnings": ("members/{member_id}/earnings", "members/{member_id}/earnings/export"),
    "payout_list": ("payouts", "payouts/export"),
    "payout_discrepancy_list": ("payout-discrepancies", "payout-discrepancies.csv"),
    "opening_reward_list": ("referrals/openings", "referrals/openings/export"),
    "referral_list": ("referrals", "referrals/export"),
    "referral_report": ("referral-report", "referral-report.csv"),
    "risk_decision_list": ("risk", "risk/export"),
    "blocklist": ("blocklist", "blocklist/export"),
    "reply_list": (f"replies/{OA_APPID}", f"replies/{OA_APPID}/list.csv"),
    "scene_list": ("scenes", "scenes.csv"),
    "scene_report": ("scene-report", "scene-report.csv"),
    "template_library": ("templates", "templates.csv"),
}
"""The page of each list, and where it is downloaded."""

NO_LISTS = {
    "adjustment_batch": "one batch; its problems are downloaded from it",
    "campaign_page": "one campaign, its runs and its versions",
    "campaign_settings": "a form, and the versions of it",
    "check_in_plan": "a form, and the versions of it",
    "commission_plan": "one plan and its versions",
    "commission_plan_form": "a form",
    "coupon_issue_form": "a form",
    "coupon_issue_job": "one job; its lines and members are downloaded from it",
    "coupon_issue_undo": "what undoing would find",
    "coupon_template_page": "one template and its versions",
    "dashboard": "figures of thirty days beside their chart",
    "earning_rule_form": "a form",
    "earning_rule_page": "one rule and its versions",
    "member_entry": "one entry",
    "member_order": "one order",
    "member_page": "the latest of everything, each with a list of its own",
    "menu_page": "a form, and the versions of it",
    "menu_list": "the accounts of the settings",
    "mission_form": "a form",
    "mission_page": "one mission and its versions; its days are downloaded from it",
    "notice_kinds": "a form for each of a fixed number of kinds",
    "payout_batch_list": "one batch a month at most",
    "payout_batch_page": "one batch; its payouts are a list of their own",
    "payout_page": "one payout with all that happened",
    "payout_rehearsal": "what a batch would pay",
    "payout_settings": "a form",
    "payout_tax": "the dated tables; what was withheld is downloaded from it",
    "referral_programme": "one programme and its versions",
    "risk_decision": "one decision with its evidence",
    "risk_rule_form": "a form",
    "risk_rule_list": "the rules in their order, all on one page; downloaded from it",
    "reply_accounts": "the accounts of the settings",
    "reply_form": "a form",
    "scene_form": "a form",
    "scene_page": "one code; its days stand in the report",
    "tag_many": "a form",
    "template_setting": "a form",
    "tag_page": "one tag; its members are downloaded from it",
    "tier_page": "a form",
}
PERSONAL = [name for name, (_page, export) in LISTS.items() if export.endswith("/export")]


@pytest.fixture
def member(session: Session, member: Member, at: datetime) -> Member:
    points.open_account(session, member_id=member.id, at=at)
    session.commit()
    return member


@pytest.fixture
def template_id(session: Session) -> int:
    template_id = make_template(session)
    session.commit()
    return template_id


@pytest.fixture
def campaign_id(session: Session, template_id: int) -> int:
    campaign = RunningCampaign(session, template_id)
    session.commit()
    return campaign.id


class TestEveryList:
    def test_is_known_here(self) -> None:
        """A page with a table or with pages is a list, unless it is said here why not."""
        looks_like_one = re.compile(r"<table|_entries\.html|_lots\.html|ui\.pager\(")
        found = {
            template.stem
            for template in TEMPLATES.glob("[!_]*.html")
            if looks_like_one.search(template.read_text(encoding="utf-8"))
        }

        assert found - set(NO_LISTS) - set(LISTS) == set()

    @pytest.mark.parametrize("name", LISTS)
    def test_has_a_filter_and_is_downloaded_as_it_is_filtered(
        self, admin: Browser, member: Member, template_id: int, campaign_id: int, name: str
    ) -> None:
        named = {"member_id": member.id, "template_id": template_id, "campaign_id": campaign_id}
        here, export = (path.format(**named) for path in LISTS[name])

        page = admin.text(f"/console/{here}?since=2026-01-01&_scheme=ftp&endpoint=x&cursor=")

        assert re.search(r'<form class="filters" method="get"', page)
        assert f'="/console/{export}?since=2026-01-01&amp;_scheme=ftp&amp;endpoint=x"' in page
        download(admin, export)

    @pytest.mark.parametrize("name", PERSONAL)
    def test_of_personal_data_needs_its_own_permission_and_is_audited(
        self, admin: Browser, log_in: LogIn, session: Session, member: Member, template_id: int, name: str
    ) -> None:
        address = f"/console/{LISTS[name][1].format(member_id=member.id, template_id=template_id)}"

        assert log_in(Role.AUDITOR).post(address).status_code == 403
        assert audit.list_entries(session, actor=f"staff:{admin.staff.id}") == []  # type: ignore[union-attr]
        admin.post(address)
        assert len(audit.list_entries(session, actor=f"staff:{admin.staff.id}")) == 1  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "query",
        [
            "members/{id}/lots/export?state=x",
            "members/{id}/lots/export?until=2026-02-30",
            "members/{id}/holds/export?state=x",
            "members/{id}/orders/export?returned=x",
            "adjustments.csv?state=x",
            "adjustments/singles.csv?since=x",
            "approvals.csv?kind=x",
            "bindings.csv?claim=x",
            "jobs.csv?outcome=x",
            "missions.csv?state=x",
            "segments.csv?state=x",
            "coupons.csv?state=x",
            "coupon-issues.csv?state=x",
            "redemptions/export?store_id=x",
            "commissions/export?reason=x",
            "payouts/export?state=x",
            "referrals/export?channel=x",
            "risk/export?occasion=x",
            "blocklist/export?is_live=x",
            f"replies/{OA_APPID}/list.csv?trigger=x",
            "scenes.csv?kind=x",
            "scene-report.csv?since=x",
            "templates.csv?state=x",
            "campaigns.csv?state=x",
            "campaigns/1/board.csv?days=x",
            "campaigns/1/entrances.csv?kind=x",
        ],
    )
    def test_refuses_a_filter_that_makes_no_sense_before_the_first_line(
        self, admin: Browser, session: Session, member: Member, query: str
    ) -> None:
        address = f"/console/{query.format(id=member.id)}"
        answer = admin.post(address) if "/export" in query else admin.get(address)

        assert answer.status_code == 422
        assert audit.list_entries(session, actor=f"staff:{admin.staff.id}") == []  # type: ignore[union-attr]


def test_batches_are_narrowed_by_title_reason_and_state(admin: Browser, session: Session) -> None:
    upload(session, csv_of([["13800000001", 5]]))
    session.commit()

    assert [row["批次"] for row in download(admin, "adjustments.csv?title=三月&state=checking")] == ["三月补发"]
    assert download(admin, "adjustments.csv?state=applied") == []
    assert download(admin, "adjustments.csv?reason=gift") == []


def test_what_one_person_gave_is_listed_with_who_and_why(
    admin: Browser, log_in: LogIn, session: Session, member: Member, store: Store, at: datetime
) -> None:
    fields = {"direction": "give", "points": "30", "reason": "gift", "expires_on": "", "key": "a" * 32}
    admin.submit(f"/console/members/{member.id}/adjust", **fields)

    page = admin.text("/console/adjustments/singles")
    (row,) = download(admin, "adjustments/singles.csv?reason=gift&since=2026-03-10")

    assert (row["会员"], row["积分"], row["操作者"]) == (f"会员 {member.number}", "30", admin.staff.name)  # type: ignore[union-attr]
    assert f'<a href="/console/members/{member.id}">会员 {member.number}</a>' in page
    assert download(admin, "adjustments/singles.csv?reason=violation") == []
    session.commit()
    assert log_in(Role.FINANCE, stores=[store]).get("/console/adjustments/singles").status_code == 403


def test_events_that_were_given_up_on_are_narrowed_by_kind(admin: Browser, session: Session, at: datetime) -> None:
    for kind in ("tier.promoted", "points.earned"):
        session.add(OutboxEvent(kind=kind, payload={"member_id": 1}, recorded_at=at, dead_at=at, last_error="=1+1"))
    session.commit()

    (row,) = download(admin, "events.csv?kind=tier")

    assert (row["事件"], row["最后的错误"]) == ("tier.promoted", "'=1+1")
    assert len(outbox.list_dead(session, limit=9)) == 2
