"""Settling (结算): when the wait is over risk looks at an invitation, and what it pays becomes due, held or nothing.

One referral is settled under the lock of its row, and only forward. Its reward is paid by ``rewarding``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.clock import business_date, end_of, start_of
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import LIVING, family_ids, family_of, survivor_of
from loyalty.referrals.models import Referral
from loyalty.referrals.queries.programmes import channels_on, is_on, programme_of
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import UNSEEN, Against, ReferralState
from loyalty.referrals.service.ending import refuse
from loyalty.referrals.service.purchases import fulfil, lock_referral, stands
from loyalty.risk.queries.counting import beside_on_address, share_device
from loyalty.risk.rules.signals import Fact
from loyalty.risk.rules.subjects import Decision, Occasion, Subject, Verdict
from loyalty.risk.service import assess

_ADDRESS_WINDOW = timedelta(days=7)
"""Within it friends from one address are thought to have come together."""


def due(session: Session, *, after_id: int, at: datetime, limit: int = 200) -> Sequence[int]:
    """Return the referrals that risk has to look at by now, of channels that are on, by ascending id."""
    return _ids(session, after_id, limit, Referral.state == ReferralState.ATTRIBUTED, Referral.settles_at <= at)


def owed(session: Session, *, after_id: int, limit: int = 200) -> Sequence[int]:
    """Return the referrals whose rewards are due, of channels that are on, by ascending id."""
    return _ids(session, after_id, limit, Referral.state == ReferralState.QUALIFIED)


def lapse(session: Session, *, at: datetime, limit: int = 1000) -> int:
    """Let go the referrals whose friend did not buy in time; who invited whom stays true. Return how many.

    A purchase that was paid in time and is told later lets it go on (``purchases.fulfil``).
    """
    over = select(Referral.id).where(
        Referral.state == ReferralState.ATTRIBUTED, Referral.order_id.is_(None), Referral.lapses_at <= at
    )
    page = over.order_by(Referral.lapses_at).limit(limit).with_for_update(skip_locked=True, key_share=True)
    lapsed = session.scalars(
        update(Referral)
        .where(Referral.id.in_(page))
        .values(state=ReferralState.LAPSED, ended_at=at)
        .returning(Referral.id)
        .execution_options(synchronize_session=False)
    )
    return len(lapsed.all())


def settle(session: Session, *, vault: Vault, referral_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Ask risk about one referral whose time has come (结算); while its channel is off, nothing happens."""
    referral = lock_referral(session, referral_id=referral_id)
    if referral.state != ReferralState.ATTRIBUTED or referral.settles_at is None or referral.settles_at > at:
        return
    if not is_on(session, channel=Channel(referral.channel)) or not _is_fulfilled(session, referral, at):
        return
    against = _against(session, referral)
    if against is not None:
        refuse(session, referral=referral, reason=against, at=at)
        return
    decision = _assess(session, vault, referral, at, zone, reference=f"referral:{referral_id}")
    _heed(session, referral, decision, at)


def look_early(session: Session, *, vault: Vault, referral_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Ask risk about a referral by which something else is to be paid though its own condition is not fulfilled.

    What risk says of it is noted; refused, nobody counts as having invited anybody. When the condition is fulfilled
    risk looks anew. One that is settled by now is settled; while its channel is off, nothing happens.
    """
    settle(session, vault=vault, referral_id=referral_id, at=at, zone=zone)
    referral = lock_referral(session, referral_id=referral_id)
    if referral.state not in UNSEEN or referral.decision_id is not None or referral.settles_at is not None:
        return
    if not is_on(session, channel=Channel(referral.channel)) or not _has_waited(session, referral, at):
        return
    decision = _assess(session, vault, referral, at, zone, reference=f"referral:{referral_id}:early")
    referral.decision_id = decision.id
    session.flush()
    if decision.verdict is Verdict.DENY:
        refuse(session, referral=referral, reason=decision.rule_name or Against.REVIEWED, at=at)


def qualify(session: Session, *, referral: Referral, at: datetime) -> None:
    """Let the rewards of a referral that is held by the caller be due, and tell of it."""
    referral.state, referral.qualified_at = ReferralState.QUALIFIED, at
    session.flush()
    payload = {
        "referral_id": referral.id,
        "referrer_id": survivor_of(session, member_id=referral.referrer_id),
        "referee_id": survivor_of(session, member_id=referral.member_id),
        "occurred_at": referral.came_at.isoformat(),
    }
    outbox.record(session, "referral.qualified", payload, at=at)


def _ids(session: Session, after_id: int, limit: int, *is_wanted: ColumnElement[bool]) -> Sequence[int]:
    is_live = Referral.channel.in_(channels_on(session))
    query = select(Referral.id).where(*is_wanted, is_live, Referral.id > after_id)
    return session.scalars(query.order_by(Referral.id).limit(limit)).all()


def _is_fulfilled(session: Session, referral: Referral, at: datetime) -> bool:
    """Look again at the purchase: it may have been refunded while the reward was pending."""
    if referral.order_id is None:
        return True
    assert referral.programme_id is not None
    purchase = programme_of(session, programme_id=referral.programme_id).purchase
    assert purchase is not None
    if stands(session, order_id=referral.order_id, purchase=purchase):
        return True
    referral.order_id = referral.settles_at = None
    session.flush()
    fulfil(session, referral_id=referral.id, at=at)
    return False


def _against(session: Session, referral: Referral) -> Against | None:
    referee_id = survivor_of(session, member_id=referral.member_id)
    referrer_id = survivor_of(session, member_id=referral.referrer_id)
    if referee_id == referrer_id:
        return Against.SELF
    rows = session.execute(select(Member.id, Member.status).where(Member.id.in_([referee_id, referrer_id])))
    status = {member_id: status for member_id, status in rows}
    if status[referrer_id] not in LIVING:
        return Against.REFERRER_GONE
    return Against.REFEREE_GONE if status[referee_id] not in LIVING else None


def _has_waited(session: Session, referral: Referral, at: datetime) -> bool:
    assert referral.programme_id is not None
    return referral.came_at + programme_of(session, programme_id=referral.programme_id).wait <= at


def _assess(
    session: Session, vault: Vault, referral: Referral, at: datetime, zone: ZoneInfo, *, reference: str
) -> Decision:
    return assess(
        session,
        vault=vault,
        occasion=Occasion.REFERRAL,
        reference=reference,
        subject=Subject(survivor_of(session, member_id=referral.member_id)),
        facts=_facts(session, referral, zone),
        at=at,
        beside=[Subject(referral.referrer_id)],
    )


def _facts(session: Session, referral: Referral, zone: ZoneInfo) -> dict[Fact, int]:
    referee_id = survivor_of(session, member_id=referral.member_id)
    referrer_id = survivor_of(session, member_id=referral.referrer_id)
    second_id = referral.second_referrer_id
    above = [referrer_id] if second_id is None else [referrer_id, survivor_of(session, member_id=second_id)]
    siblings = select(Referral.member_id).where(Referral.referrer_id.in_(family_ids(referrer_id)))
    day = business_date(referral.came_at, zone)
    on_that_day = siblings.where(Referral.came_at >= start_of(day, zone), Referral.came_at < end_of(day, zone))
    enrolled_at = session.get_one(Member, referrer_id).enrolled_at
    others = [each for one in above for each in family_of(session, member_id=one)]
    return {
        Fact.SAME_PERSON_DEVICE: int(share_device(session, subject=Subject(referee_id), others=others)),
        Fact.SAME_IP_MEMBERS: beside_on_address(
            session, member_id=referee_id, others=session.scalars(siblings).all(), within=_ADDRESS_WINDOW
        ),
        Fact.INVITATIONS_TODAY: session.execute(select(func.count()).select_from(on_that_day.subquery())).scalar_one(),
        Fact.SECONDS_SINCE_ENROLMENT: max(0, int((referral.touched_at - enrolled_at).total_seconds())),
    }


def _heed(session: Session, referral: Referral, decision: Decision, at: datetime) -> None:
    referral.decision_id = decision.id
    if decision.verdict is Verdict.ALLOW:
        qualify(session, referral=referral, at=at)
    elif decision.verdict is Verdict.REVIEW:
        referral.state = ReferralState.HELD
        session.flush()
    else:
        refuse(session, referral=referral, reason=decision.rule_name or Against.REVIEWED, at=at)
