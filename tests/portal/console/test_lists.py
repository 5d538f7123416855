"""Every list of the console: filtered and exported in one way, and none is forgotten."""

import csv
import io
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

import portal.console
from loyalty.kernel import audit, outbox
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.models import Member
from loyalty.orders.rules import RefundLine
from loyalty.partners.rules.keys import source_of
from loyalty.points import service as points
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.adjustments import csv_of, upload
from tests.factories.checkout import buy, give_back
from tests.factories.coupons import make_template
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.partners import make_key
from tests.factories.points import earn, place
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser, LogIn

DAY = timedelta(days=1)
TEMPLATES = Path(portal.console.__file__).parent / "templates" / "console"
LISTS = {
    "member_list": ("members", "members/export"),
    "member_entries": ("members/{member_id}/entries", "members/{member_id}/entries/export"),
    "member_lots": ("members/{member_id}/lots", "members/{member_id}/lots/export"),
    "member_holds": ("members/{member_id}/holds", "members/{member_id}/holds/export"),
    "member_evaluations": ("members/{member_id}/evaluations", "members/{member_id}/evaluations/export"),
    "member_orders": ("members/{member_id}/orders", "members/{member_id}/orders/export"),
    "binding_list": ("bindings", "bindings.csv"),
    "adjustment_list": ("adjustments", "adjustments.csv"),
    "single_adjustment_list": ("adjustments/singles", "adjustments/singles.csv"),
    "tag_list": ("tags", "tags.csv"),
    "earning_rule_list": ("earning-rules", "earning-rules.csv"),
    "member_coupons": ("members/{member_id}/coupons", "members/{member_id}/coupons/export"),
    "coupon_template_list": ("coupons", "coupons.csv"),
    "coupon_list": ("coupons/{template_id}/issued", "coupons/{template_id}/issued/export"),
    "coupon_code_list": ("coupons/{template_id}/codes", "coupons/{template_id}/codes.csv"),
    "coupon_redemption_list": ("redemptions", "redemptions/export"),
    "coupon_issue_list": ("coupon-issues", "coupon-issues.csv"),
    "coupon_report": ("coupon-report", "coupon-report.csv"),
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
    "referral_list": ("referrals", "referrals/export"),
    "referral_report": ("referral-report", "referral-report.csv"),
    "risk_decision_list": ("risk", "risk/export"),
    "blocklist": ("blocklist", "blocklist/export"),
}
"""The page of each list, and where it is downloaded."""

NO_LISTS = {
    "adjustment_batch": "one batch; its problems are downloaded from it",
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
    "tag_many": "a form",
    "tag_page": "one tag; its members are downloaded from it",
    "tier_page": "a form",
}
PERSONAL = [name for name, (_page, export) in LISTS.items() if export.endswith("/export")]


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session, name="西湖店")


@pytest.fixture
def member(session: Session, store: Store, at: datetime) -> Member:
    member = make_member(session, enrolled_store_id=store.id)
    points.open_account(session, member_id=member.id, at=at)
    session.commit()
    return member


@pytest.fixture
def template_id(session: Session) -> int:
    template_id = make_template(session)
    session.commit()
    return template_id


def download(browser: Browser, address: str) -> list[dict[str, str]]:
    """The rows that an export sends for an address, by the names of their columns."""
    is_personal = address.partition("?")[0].endswith("/export")
    answer = browser.post(f"/console/{address}") if is_personal else browser.get(f"/console/{address}")
    assert answer.status_code == 200, (address, answer.status_code)
    assert answer.mimetype == "text/csv"
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


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
        self, admin: Browser, member: Member, template_id: int, name: str
    ) -> None:
        here, export = (path.format(member_id=member.id, template_id=template_id) for path in LISTS[name])

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
            "bindings.csv?claim=x",
            "jobs.csv?outcome=x",
        ],
    )
    def test_refuses_a_filter_that_makes_no_sense_before_the_first_line(
        self, admin: Browser, session: Session, member: Member, query: str
    ) -> None:
        address = f"/console/{query.format(id=member.id)}"
        answer = admin.post(address) if "/export" in query else admin.get(address)

        assert answer.status_code == 422
        assert audit.list_entries(session, subject=f"member:{member.id}") == []


def test_lots_are_narrowed_by_state_and_by_their_end(
    admin: Browser, session: Session, member: Member, at: datetime
) -> None:
    for amount, days, opens in ((801, 5, 0), (802, 50, 0), (803, None, 0), (804, 60, 9)):
        expires_at = None if days is None else at + days * DAY
        earn(session, member.id, amount, at=at, available_at=at + opens * DAY, expires_at=expires_at)
    place(session, member.id, 801, at=at)
    session.commit()
    here = f"members/{member.id}/lots/export"

    def shown(query: str) -> list[int]:
        return [int(row["原有"]) for row in download(admin, f"{here}?{query}")]

    assert shown("") == [801, 802, 804, 803]
    assert shown("state=available") == [802, 803]
    assert shown("state=pending") == [804]
    assert shown("state=held") == [801]
    assert shown("state=expired") == []
    assert shown("until=2026-04-29") == [801, 802]
    assert shown("state=available&until=2026-04-29") == [802]


def test_a_lot_past_its_end_that_a_hold_keeps_is_found_by_its_state(
    admin: Browser, session: Session, member: Member, at: datetime
) -> None:
    earn(session, member.id, 90, at=at - 3 * DAY, expires_at=at - DAY)
    place(session, member.id, 40, at=at - 2 * DAY, expires_at=at + DAY)
    session.commit()
    here = f"members/{member.id}/lots/export"

    assert [row["状态"] for row in download(admin, f"{here}?state=expired")] == ["已过期"]
    assert download(admin, f"{here}?state=available") == []


def test_holds_are_narrowed_by_where_they_stand_now(
    admin: Browser, session: Session, member: Member, at: datetime
) -> None:
    earn(session, member.id, 100, at=at - 9 * DAY)
    place(session, member.id, 11, at=at - 8 * DAY, expires_at=at - 7 * DAY, reference="ran-out")
    place(session, member.id, 12, at=at, expires_at=at + DAY, reference="open")
    session.commit()
    here = f"members/{member.id}/holds/export"

    def shown(query: str) -> list[str]:
        return [row["业务单号"] for row in download(admin, f"{here}?{query}")]

    assert shown("") == ["open", "ran-out"]
    assert shown("state=placed") == ["open"]
    assert shown("state=expired") == ["ran-out"]
    assert shown("since=2026-03-10&until=2026-03-10") == ["open"]


def test_orders_are_narrowed_by_number_refund_and_day(
    admin: Browser, session: Session, member: Member, at: datetime
) -> None:
    for number, days, returned in (("A-1", 0, 0), ("A-2", 3, 4_000), ("B-3", 3, 10_000)):
        bought = make_purchase(member.id, line(), order_number=number, paid_at=at - days * DAY)
        buy(session, bought, at=at)
        if returned:
            give_back(session, make_refund(number, RefundLine(1, int(returned == 10_000), returned)), at=at)
    session.commit()
    here = f"members/{member.id}/orders/export"

    def shown(query: str) -> list[str]:
        return [row["订单号"] for row in download(admin, f"{here}?{query}")]

    assert shown("") == ["B-3", "A-2", "A-1"]
    assert shown("number=a-") == ["A-2", "A-1"]
    assert [shown(f"returned={how}") for how in ("nothing", "part", "whole")] == [["A-1"], ["A-2"], ["B-3"]]
    assert shown("since=2026-03-10") == ["A-1"]


def test_systems_are_shown_by_the_name_of_their_key(
    admin: Browser, log_in: LogIn, session: Session, member: Member, store: Store, at: datetime
) -> None:
    key, _secret = make_key(session, [store], name="门店收银系统")
    source = source_of(key.id)
    earn(session, member.id, 100, at=at)
    place(session, member.id, 60, at=at, actor=source)
    done = buy(session, make_purchase(member.id, source=source), at=at)
    session.commit()
    pages = [f"/console/members/{member.id}/{part}" for part in ("holds", "orders", f"orders/{done.order_id}")]
    link = f'<a href="/console/partner-keys/{key.id}">门店收银系统</a>'

    assert [link in admin.text(page) for page in pages] == [True] * 3
    auditor = log_in(Role.AUDITOR)
    assert [("门店收银系统" in text, link in text, source in text) for text in map(auditor.text, pages)] == [
        (True, False, False)
    ] * 3


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
