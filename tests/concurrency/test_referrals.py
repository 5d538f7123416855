"""Invitations under fire: a person counts once, a cap is exact, nobody is paid twice."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select

from loyalty.kernel.database import Database, Session
from loyalty.kernel.transaction import run
from loyalty.members.queries import get_identity
from loyalty.points.queries import summary
from loyalty.referrals.models import Referral, ReferralReward, ShareOpening, ShareToken
from loyalty.referrals.rules.openings import NotCounted
from loyalty.referrals.rules.programme import Caps, OpeningReward
from loyalty.referrals.service import attribution
from loyalty.referrals.service.opening_rewards import reward_opening
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit
from tests.factories.referrals import (
    WAITED,
    enrol,
    invite,
    link_of,
    make_visitor,
    open_by,
    publish,
    referral_of,
    settle,
    unused_address,
)
from tests.support.races import at_once
from tests.support.settings import VAULT

FRIENDS = 50
DAY = timedelta(days=1)


def test_one_friend_who_opens_fifty_times_at_once_counts_once(committed_database: Database, at: datetime) -> None:
    def prepare(session: Session) -> tuple[int, str]:
        publish(session)
        return make_visitor(session).id, link_of(session, make_member(session).id)

    identity_id, token = run(committed_database, prepare)

    def open_once(session: Session) -> NotCounted | None:
        return open_by(session, get_identity(session, identity_id=identity_id), token).reason

    reasons = at_once([lambda: run(committed_database, open_once)] * FRIENDS)

    assert reasons.count(None) == 1
    assert reasons.count(NotCounted.ALREADY_OPENED) == FRIENDS - 1
    openings = select(func.count()).where(ShareOpening.identity_id == identity_id)
    assert run(committed_database, lambda session: session.scalar(openings)) == 1


def test_one_friend_invited_by_fifty_at_once_counts_for_one_of_them(committed_database: Database) -> None:
    def prepare(session: Session) -> tuple[int, list[str]]:
        publish(session)
        return make_visitor(session).id, [link_of(session, make_member(session).id) for _ in range(FRIENDS)]

    identity_id, tokens = run(committed_database, prepare)

    def open_one(token: str) -> Callable[[], NotCounted | None]:
        return lambda: run(
            committed_database,
            lambda session: open_by(session, get_identity(session, identity_id=identity_id), token).reason,
        )

    reasons = at_once([open_one(token) for token in tokens])

    assert reasons.count(None) == 1
    assert reasons.count(NotCounted.EARLIER_TOUCH) == FRIENDS - 1


def test_fifty_friends_at_once_pay_exactly_the_cap_and_each_friend_once(
    committed_database: Database, at: datetime
) -> None:
    def prepare(session: Session) -> tuple[int, list[tuple[int, int]]]:
        publish(session, caps=Caps(per_day=10))
        sharer = make_member(session)
        # Ten a day, so that nobody takes it for a rush.
        friends = [invite(session, sharer, at=at + number // 10 * DAY) for number in range(FRIENDS)]
        return sharer.id, [(friend.id, referral_of(session, friend.id).id) for friend in friends]

    sharer_id, friends = run(committed_database, prepare)

    def pay_twice(referral_id: int) -> None:
        for _ in range(2):
            run(committed_database, lambda session: settle(session, referral_id, at=at + 5 * DAY + WAITED))

    at_once([lambda one=one: pay_twice(one) for _friend_id, one in friends])  # type: ignore[misc]

    def check(session: Session) -> None:
        later = at + 10 * DAY
        assert summary(session, member_id=sharer_id, at=later).available == 10 * 100
        assert {summary(session, member_id=friend_id, at=later).available for friend_id, _ in friends} == {50}
        missed = select(func.count()).where(
            ReferralReward.member_id == sharer_id, ReferralReward.reason == "referrer_day"
        )
        assert session.scalar(missed) == FRIENDS - 10
        assert_books_fit(session, sharer_id)

    run(committed_database, check)


def test_fifty_openings_at_once_pay_exactly_the_cap_in_all(committed_database: Database, at: datetime) -> None:
    def prepare(session: Session) -> tuple[int, list[int]]:
        publish(session, opening=OpeningReward(points=2, per_day=10, total=10))
        sharer = make_member(session)
        token = link_of(session, sharer.id)
        opened = [
            open_by(session, make_visitor(session), token, device=f"own-{number}", ip=unused_address()).opening_id
            for number in range(FRIENDS)
        ]
        return sharer.id, [opening_id for opening_id in opened if opening_id is not None]

    sharer_id, openings = run(committed_database, prepare)

    def pay_twice(number: int, opening_id: int) -> None:
        # Ten on each of five days: within the cap of every day.
        due = partial(reward_opening, vault=VAULT, opening_id=opening_id, at=at + number % 5 * DAY, zone=SHANGHAI)
        for _ in range(2):
            run(committed_database, due)

    at_once([partial(pay_twice, number, opening_id) for number, opening_id in enumerate(openings)])

    def check(session: Session) -> None:
        rewards = select(ReferralReward.reason, func.count()).where(ReferralReward.member_id == sharer_id)
        counts = {reason: count for reason, count in session.execute(rewards.group_by(ReferralReward.reason))}
        assert counts == {None: 10, "sharer_total": FRIENDS - 10}
        assert summary(session, member_id=sharer_id, at=at + 10 * DAY).available == 10 * 2
        assert_books_fit(session, sharer_id)

    run(committed_database, check)


def test_an_event_delivered_many_times_at_once_attributes_once(committed_database: Database, at: datetime) -> None:
    def prepare(session: Session) -> int:
        publish(session)
        visitor = make_visitor(session)
        open_by(session, visitor, link_of(session, make_member(session).id))
        return enrol(session, visitor).id

    member_id = run(committed_database, prepare)

    answers = at_once(
        [
            lambda: run(
                committed_database,
                lambda session: attribution.attribute(session, vault=VAULT, member_id=member_id, at=at),
            )
        ]
        * 10
    )

    assert len(set(answers)) == 1
    rows = select(func.count()).where(Referral.member_id == member_id)
    assert run(committed_database, lambda session: session.scalar(rows)) == 1


def test_a_share_asked_for_many_times_at_once_is_minted_once(committed_database: Database) -> None:
    def prepare(session: Session) -> int:
        publish(session)
        return make_member(session).id

    member_id = run(committed_database, prepare)

    tokens = at_once([lambda: run(committed_database, lambda session: link_of(session, member_id))] * 20)

    assert len(set(tokens)) == 1
    minted = select(func.count()).where(ShareToken.member_id == member_id)
    assert run(committed_database, lambda session: session.scalar(minted)) == 1
