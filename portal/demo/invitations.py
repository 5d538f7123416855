"""The demo promoter's story (推广员): friends, what they bought, what that earned, and what was withdrawn of it."""

from datetime import datetime, timedelta

from loyalty.container import Container
from loyalty.kernel import outbox
from loyalty.kernel.database import Session
from loyalty.payouts.queries.payouts import list_payouts
from portal.demo.payouts import Purse, leave_open, live_through_payouts
from portal.demo.promoter import Guise
from portal.demo.purchases import Shops
from portal.demo.referrals import invite_friends, pay_commissions
from portal.demo.staff import actor_of

_A_WEEK_AGO, _A_MOMENT_AGO = timedelta(days=7), timedelta(minutes=5)


def seed_invitations(
    session: Session, container: Container, *, shops: Shops, promoter: tuple[Guise, bool], at: datetime
) -> bool:
    """Tell the story where nobody ever withdrew anything."""
    if list_payouts(session, limit=1).items:
        return False
    guise, is_known_at_the_platform = promoter
    told = invite_friends(session, container, guise, store_ids=shops.store_ids, source=shops.source, at=at)
    if told is None:
        return False
    pay_commissions(session, container, until=at - _A_WEEK_AGO)
    purse = Purse(session, container, told[0], guise, actor_of(session, username="finance"))
    live_through_payouts(purse, at=at)
    pay_commissions(session, container, until=at)
    leave_open(purse, is_known_at_the_platform=is_known_at_the_platform, at=at - _A_MOMENT_AGO)
    outbox.drop(session, member_ids=told, recorded_before=at)
    return True
