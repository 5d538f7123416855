"""What tests of boards work with: some days, members of a store, and a day on which everything happens."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.campaigns.rules.entries import EntryState
from loyalty.check_ins.models import CheckIn
from loyalty.members.models import Member
from loyalty.orders.service import purchases
from loyalty.points import service as points
from loyalty.stores.models import Store
from loyalty.stores.rules import StoreScope
from tests.factories.campaign_results import RunningCampaign
from tests.factories.check_ins import SHANGHAI, make_plan
from tests.factories.coupon_uses import use_of, use_up
from tests.factories.coupons import issue_to, make_template
from tests.factories.expiry import open_inbox, plan
from tests.factories.members import make_member
from tests.factories.orders import make_purchase
from tests.factories.points import AT, earn, reverse, spend

TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)
LONG_AGO = TODAY - 40 * DAY
AT_LONG_AGO = AT - 40 * DAY


def member_of(session: Session, store: Store | None, *, enrolled_at: datetime = AT_LONG_AGO) -> Member:
    member = make_member(session, enrolled_store_id=store.id if store else None, enrolled_at=enrolled_at)
    points.open_account(session, member_id=member.id, at=enrolled_at)
    return member


def check_in(session: Session, member: Member, on: date) -> None:
    values = {"streak": 1, "base": 1, "bonus": 0, "growth": 0, "plan_revision": make_plan(session)}
    session.execute(insert(CheckIn).values(member_id=member.id, checked_in_on=on, checked_in_at=AT, **values))


def only(store: Store) -> StoreScope:
    return StoreScope(is_chain_wide=False, store_ids=frozenset({store.id}))


def a_full_day(session: Session, store: Store) -> None:
    """Everything that a board counts, by two members of a store and one without, today."""
    first, second, online = (
        member_of(session, store, enrolled_at=AT),
        member_of(session, store),
        member_of(session, None),
    )
    for member in (first, second, online):
        check_in(session, member, TODAY)
    earned = earn(session, first.id, 100, expires_at=AT + DAY)
    spend(session, first.id, 30)
    reverse(session, first.id, earned.entry_id, points=20)
    told = {"rule": "adjustment", "reason": "correction"}
    points.adjust(session, member_id=first.id, points=-5, reference="a:1", explanation=told, at=AT, actor="staff:1")
    plan(session, AT)
    open_inbox(session, first.id, at=AT)
    points.expire_lots(session, run="night", at=AT + 2 * DAY, zone=SHANGHAI)
    template_id = make_template(session)
    issued = [issue_to(session, online.id, template_id).coupon_id for _ in range(2)]
    use_up(session, online.id, issued[0], use=replace(use_of(), store_id=store.id))
    bought = make_purchase(online.id, store_id=store.id)
    purchases.record_purchase(session, purchase=bought, at=AT)
    purchases.record_purchase(session, purchase=make_purchase(online.id), at=AT)
    campaign = RunningCampaign(session, template_id)
    for member, place in ((first, store.id), (first, None), (online, None)):
        campaign.enter(member.id, store_id=place, occurrence=f"event:{place}")
    campaign.enter(second.id, store_id=store.id, state=EntryState.HELD_OUT)
    session.flush()
