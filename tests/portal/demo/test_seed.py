import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from loyalty.adjustments.queries import list_batches
from loyalty.adjustments.rules.batches import BatchState
from loyalty.channels import queries as channels
from loyalty.commissions.models import Commission
from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.queries.codes import list_batches as list_code_batches
from loyalty.coupons.queries.templates import list_templates
from loyalty.coupons.rules.states import IssuePath
from loyalty.earnings.service import verify as verify_earnings
from loyalty.kernel import bulk
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Base, Database
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from loyalty.notices.models import Notice
from loyalty.orders.models import Order
from loyalty.orders.queries import OrderView, list_orders
from loyalty.partners.queries import keys_waiting, list_keys
from loyalty.payouts.queries.bills import list_discrepancies
from loyalty.payouts.queries.payouts import list_due, list_payouts
from loyalty.payouts.rules.states import PayoutState, ReturnReason
from loyalty.payouts.verification import verify as verify_payouts
from loyalty.points.service import verify
from loyalty.referrals.models import Referral
from loyalty.reports.explained_order import explained_order
from loyalty.reports.queries import daily_figures
from loyalty.risk.queries.decisions import list_decisions
from loyalty.risk.rules.subjects import DecisionState
from loyalty.segments.models import MemberPurchaseTotal
from loyalty.segments.queries import count
from loyalty.segments.rules.conditions import Not
from loyalty.segments.rules.fact_types import NeverBought
from loyalty.stores.queries import list_tree
from loyalty.stores.rules import EVERYTHING, StoreKind
from loyalty.tags.queries import list_tags
from loyalty.tiers.queries import list_tiers
from portal.demo.coupon_templates import CASH_OFF, FLASH_SALE, GIFT, PERCENT_OFF
from portal.demo.coupons import CODES
from portal.demo.payouts import PAST, WAITING_FEN
from portal.demo.referrals import FRIENDS
from portal.demo.staff import PASSWORD, STAFF, Person
from portal.demo.tags import TAGS
from portal.demo.tills import SHOP, TILLS
from tests.portal.demo.conftest import AT, MEMBERS, container_on, demo
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID

PROMOTED = 1 + len(FRIENDS)
"""The promoter and the friends they invited, beside the members who were asked for."""
PRODUCTION = {
    "PORTAL_ENV": "production",
    "PUBLIC_BASE_URL": "https://members.example.com",
    "WECHAT_SANDBOX_URL": "",
    "SMS_PROVIDER": "tencent",
    **{f"TENCENT_SMS_{name}": "x" for name in ("SECRET_ID", "SECRET_KEY", "APP_ID", "SIGN", "TEMPLATE_ID")},
}


def all_rows(database: Database) -> dict[str, list[str]]:
    with database.session() as session:
        return {
            table.name: sorted(session.execute(text(f'SELECT t::text FROM "{table.name}" t')).scalars())
            for table in Base.metadata.sorted_tables
        }


def count_members(database: Database) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(Member)) or 0


def test_the_chain_has_headquarters_two_regions_and_six_stores(seeded: NullContainer) -> None:
    kinds = [node.kind for node in run(seeded.database, lambda session: list_tree(session, scope=EVERYTHING))]
    assert [kinds.count(kind) for kind in StoreKind] == [1, 2, 6]


def test_members_have_a_past_that_fills_the_reports(seeded: NullContainer) -> None:
    assert count_members(seeded.database) == MEMBERS + PROMOTED
    today = business_date(AT, seeded.zone)
    days = run(
        seeded.database,
        lambda session: daily_figures(
            session, scope=EVERYTHING, first=today - timedelta(days=121), last=today, zone=seeded.zone
        ),
    )
    assert sum(day.new_members for day in days) == MEMBERS + PROMOTED
    assert sum(day.check_ins for day in days) > MEMBERS
    assert sum(day.points_issued for day in days) > 0
    assert len(run(seeded.database, list_tiers)) == 4


def test_the_books_of_the_past_are_green(seeded: NullContainer) -> None:
    proof = run(
        seeded.database, lambda session: verify(session, seal_key=seeded.settings.seal_key, at=seeded.clock.now())
    )
    assert proof.is_green
    assert proof.accounts_count == MEMBERS + PROMOTED
    assert proof.entries_count > MEMBERS


def test_nobody_is_told_of_the_past(seeded: NullContainer) -> None:
    with seeded.database.session() as session:
        # Rewards that are due today are paid today; of the withdrawals no step is due any more.
        waiting = Counter(session.scalars(select(OutboxEvent.kind)))
        # The runs of campaigns are over; their messages of days ago stay in the inbox.
        assert waiting == {bulk.WANTED: 8, "broadcast.wanted": 2, "referral.qualified": 3, "referral.ended": 1} | {
            "payout.requested": len(PAST)
        }
        assert session.scalar(select(func.count()).select_from(Notice)) == 0


def test_some_members_bought_paid_with_points_and_returned_a_part(seeded: NullContainer) -> None:
    def read(session: Session) -> list[OrderView]:
        return list(list_orders(session, member_id=1).items)

    orders = run(seeded.database, read)
    assert [(one.refunded_fen > 0, one.is_refunded) for one in orders] == [(True, True), (False, False), (True, False)]
    earned = run(seeded.database, lambda session: explained_order(session, member_id=1, order_id=orders[1].id))
    assert earned.earned is not None
    assert earned.earned.awards
    assert earned.payment is not None
    assert earned.payment.points == 100


def test_what_members_bought_is_known_to_segments_at_once(seeded: NullContainer) -> None:
    def read(session: Session) -> None:
        bought = select(Order.member_id).where(~Order.is_refunded)
        fen = select(func.sum(Order.amount_fen - Order.refunded_fen)).where(~Order.is_refunded)
        buyers = set(session.scalars(bought))
        condition = Not(NeverBought())
        found = count(session, condition, at=seeded.clock.now(), zone=seeded.zone, vault=seeded.vault)
        assert found == len(buyers) > len(FRIENDS) / 2
        assert set(session.scalars(select(MemberPurchaseTotal.member_id))) == buyers
        assert session.scalar(select(func.sum(MemberPurchaseTotal.net_fen))) == session.scalar(fen)

    run(seeded.database, read)


def test_the_tills_have_a_key_and_another_waits_for_approval(seeded: NullContainer) -> None:
    keys = run(seeded.database, lambda session: list_keys(session, at=AT))
    assert {key.name: key.is_active for key in keys} == {TILLS: True, SHOP: False}
    assert run(seeded.database, keys_waiting) == {key.subject for key in keys if key.name == SHOP}


def test_an_uploaded_file_waits_for_its_check(seeded: NullContainer) -> None:
    batches = run(seeded.database, list_batches).items
    assert [batch.state for batch in batches] == [BatchState.CHECKING]


def test_some_members_are_tagged(seeded: NullContainer) -> None:
    tags = run(seeded.database, list_tags)
    assert {tag.name for tag in tags} == {name for name, _note, _tagged in TAGS}
    assert all(tag.members for tag in tags)


def test_coupons_are_on_offer_held_used_and_printed(seeded: NullContainer) -> None:
    def read(session: Session) -> None:
        templates = {one.terms.title: one for one in list_templates(session).items}
        assert templates[FLASH_SALE].terms.claiming.opens_at == datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
        shared = [templates[CASH_OFF].id, templates[PERCENT_OFF].id]
        is_shared_out = Coupon.template_id.in_(shared) & (Coupon.path != IssuePath.CAMPAIGN)
        assert session.scalar(select(func.count()).select_from(Coupon).where(is_shared_out)) == MEMBERS
        paths = set(session.scalars(select(Coupon.path).where(Coupon.template_id == templates[GIFT].id)))
        assert paths == {IssuePath.EARNING_RULE, IssuePath.STAFF}
        assert session.scalar(select(func.count()).select_from(CouponRedemption)) == 3
        assert [batch.count for batch in list_code_batches(session, template_id=templates[GIFT].id)] == [CODES]

    run(seeded.database, read)


def test_a_promoter_has_friends_commissions_and_withdrawals_that_add_up(seeded: NullContainer) -> None:
    def read(session: Session) -> None:
        referrals = Counter(session.scalars(select(Referral.state)))
        assert referrals == {"qualified": 3, "held": 2, "refused": 1, "attributed": 1}
        assert len(list_decisions(session, state=DecisionState.WAITING).items) == 2
        assert Counter(session.scalars(select(Commission.state))) == {"approved": 2, "pending": 1}
        payouts = list_payouts(session, limit=50).items
        assert {one.return_reason for one in payouts if one.state is PayoutState.RETURNED} == {
            ReturnReason.OVERDUE, ReturnReason.CANCELLED, ReturnReason.FAILED, ReturnReason.REJECTED
        }  # fmt: skip
        assert [one.tax_fen for one in payouts if one.gross_fen == 100_000] == [4_000]
        assert [one.gross_fen for one in payouts if one.settled_at is None] == [WAITING_FEN]
        assert verify_earnings(session, seal_key=seeded.settings.seal_key, at=seeded.clock.now()).discrepancies == []
        assert list(verify_payouts(session)) == []
        assert list(list_discrepancies(session)) == []
        assert all(not list_due(session, at=AT + timedelta(days=days), limit=1) for days in range(3))

    run(seeded.database, read)


def test_seeding_twice_changes_nothing(seeded: NullContainer) -> None:
    before = all_rows(seeded.database)
    result = demo(seeded, "seed", "--members", str(MEMBERS))
    assert result.exit_code == 0, result.output
    assert all_rows(seeded.database) == before
    assert len(seeded.oa.published_menus) == 1


def test_a_platform_that_does_not_answer_leaves_the_clerk_unbound_and_says_so(seeded: NullContainer) -> None:
    assert "⚠ 店员的微信未绑定" in demo(seeded, "seed", "--members", "0").output
    assert "/h5/clerk" in demo(seeded, "accounts").output


def test_seeding_again_adds_only_the_members_that_are_missing(fresh_database: Database) -> None:
    container = container_on(fresh_database)
    assert "3 new" in demo(container, "seed", "--members", "3").output
    assert "2 new" in demo(container, "seed", "--members", "5").output
    assert count_members(fresh_database) == 5 + PROMOTED


@pytest.mark.parametrize("person", STAFF, ids=lambda person: person.username)
def test_every_role_logs_in_with_the_documented_password(seeded_app: Flask, person: Person) -> None:
    client = seeded_app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/console/login").get_data(as_text=True))
    assert token is not None
    answer = client.post(
        "/console/login",
        data={"csrf_token": token[1], "username": person.username, "password": PASSWORD},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    assert answer.request.path != "/console/login"
    assert person.name in answer.get_data(as_text=True)


def test_every_account_is_listed_with_the_password(seeded: NullContainer) -> None:
    told = demo(seeded, "accounts").output
    assert PASSWORD in told
    assert all(person.username in told for person in STAFF)


@pytest.mark.parametrize("command", ["seed", "accounts"])
def test_production_refuses_demo_data(fresh_database: Database, command: str) -> None:
    before = all_rows(fresh_database)
    result = demo(container_on(fresh_database, **PRODUCTION), command)
    assert result.exit_code == 1
    assert "生产环境" in result.output
    assert PASSWORD not in result.output
    assert all_rows(fresh_database) == before


def test_every_store_has_a_qr_code(seeded: NullContainer) -> None:
    scenes = run(seeded.database, lambda session: channels.list_scenes(session, appid=OA_APPID))
    assert len({scene.subject_id for scene in scenes if scene.ticket}) == 6


def test_followers_are_welcomed_and_every_menu_button_answers(seeded: NullContainer) -> None:
    book = run(seeded.database, lambda session: channels.reply_book(session, appid=OA_APPID))
    assert "签到" in (book.welcome or "")
    assert set(book.clicks) == {"contact"}
