"""A population with planted rings, through the real services: rings are found, honest people are paid once.

A ring of people who really have other phones, devices and addresses cannot be told from friends, and some are planted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.commissions.models import Commission
from loyalty.commissions.rules.states import CommissionState
from loyalty.members.models import Member
from loyalty.points.models import PointsAccount
from loyalty.referrals.models import Referral, ReferralReward
from loyalty.referrals.rules.programme import OpeningReward
from loyalty.referrals.rules.states import ReferralState
from loyalty.referrals.service.opening_rewards import reward_opening
from tests.factories.check_ins import SHANGHAI
from tests.factories.commissions import accrue, approve, bought, publish_plan
from tests.factories.members import make_identity, make_member
from tests.factories.points import balance_of
from tests.factories.referrals import (
    WAITED,
    invite,
    link_of,
    make_visitor,
    open_by,
    publish,
    referral_of,
    settle,
    unused_address,
)
from tests.support import proof
from tests.support.events import recorded
from tests.support.settings import VAULT

pytestmark = pytest.mark.proof

SCALE = proof.size(reduced=1, full=8)
RECALL_LEAST, PRECISION_LEAST = 0.93, 0.96
CAUGHT = (ReferralState.HELD, ReferralState.REFUSED)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FRIENDS = 5


@dataclass(frozen=True)
class Planted:
    """One friend who was invited, and whether for real."""

    member_id: int
    is_fraud: bool


def honest_friends(session: Session, at: datetime) -> Iterator[Planted]:
    for number in range(8 * SCALE):
        sharer = make_member(session)
        for later in range(1 + number % 3):
            yield Planted(invite(session, sharer, at=at + (number % 20 + later) * HOUR).id, False)


def honest_families(session: Session, at: datetime) -> Iterator[Planted]:
    """Four people behind one address on one evening, each with a phone of their own."""
    for number in range(5 * SCALE):
        sharer, home = make_member(session), f"203.0.{number >> 8}.{number & 255}"
        for later in range(4):
            yield Planted(invite(session, sharer, ip=home, at=at + later * timedelta(minutes=5)).id, False)


def honest_offices(session: Session, at: datetime) -> Iterator[Planted]:
    """Colleagues behind one address who were invited by different people over a day."""
    for number in range(2 * SCALE):
        for hour in range(6):
            office = f"198.18.{number >> 8}.{number & 255}"
            yield Planted(invite(session, make_member(session), ip=office, at=at + hour * HOUR).id, False)


def honest_couples(session: Session, at: datetime) -> Iterator[Planted]:
    """Two people who really share one tablet: they are taken for one."""
    for number in range(SCALE):
        sharer, device = make_member(session), f"tablet-{number}"
        open_by(session, make_identity(session, member=sharer), link_of(session, sharer.id), device=device)
        yield Planted(invite(session, sharer, device=device, at=at + number * HOUR).id, False)


def second_phones(session: Session, at: datetime) -> Iterator[Planted]:
    for number in range(8 * SCALE):
        sharer, device = make_member(session), f"second-{number}"
        open_by(session, make_identity(session, member=sharer), link_of(session, sharer.id), device=device)
        yield Planted(invite(session, sharer, device=device, at=at + number % 20 * HOUR).id, True)


def circles(session: Session, at: datetime) -> Iterator[Planted]:
    """Two people with two accounts each, who invite each other in turn from two phones."""
    for number in range(5 * SCALE):
        last = make_member(session)
        open_by(session, make_identity(session, member=last), link_of(session, last.id), device=f"circle-{number}-0")
        for turn in range(1, 4):
            device = f"circle-{number}-{turn % 2}"
            last = invite(session, last, device=device, at=at + turn * HOUR)
            yield Planted(last.id, True)


def device_farms(session: Session, at: datetime) -> Iterator[Planted]:
    for number in range(2 * SCALE):
        sharer = make_member(session)
        for account in range(8):
            device = f"farm-{number}-{account % 2}"
            yield Planted(invite(session, sharer, device=device, at=at + account * HOUR).id, True)


def bursts(session: Session, at: datetime) -> Iterator[Planted]:
    """Emulators with a device id each, behind one address, within the hour."""
    for number in range(2 * SCALE):
        for account in range(9):
            address = f"192.0.{number >> 8}.{number & 255}"
            sharer = make_member(session)
            yield Planted(invite(session, sharer, ip=address, at=at + account * timedelta(minutes=5)).id, True)


def accomplices(session: Session, at: datetime) -> Iterator[Planted]:
    """Paid people who really exist: nothing gives them away."""
    for _ in range(2 * SCALE):
        yield Planted(invite(session, make_member(session), at=at).id, True)


KINDS = (
    *(honest_friends, honest_families, honest_offices, honest_couples),
    *(second_phones, circles, device_farms, bursts, accomplices),
)


def clicks_of_devices(session: Session, at: datetime) -> Member:
    """A drawer of three phones with an account for every click, on mobile networks."""
    sharer = make_member(session)
    token = link_of(session, sharer.id)
    for number in range(15 * SCALE):
        device, address = f"clicks-{number % 3}", unused_address()
        open_by(session, make_visitor(session), token, device=device, ip=address, at=at + number * MINUTE)
    return sharer


def clicks_of_an_address(session: Session, at: datetime) -> Member:
    """Machines that look like a new phone each time, behind one address."""
    sharer = make_member(session)
    token = link_of(session, sharer.id)
    for number in range(24 * SCALE):
        moment = at + number * MINUTE
        open_by(session, make_visitor(session), token, device=f"fresh-{number}", ip="192.0.2.66", at=moment)
    return sharer


def clicks_of_oneself(session: Session, at: datetime) -> Member:
    """The sharer's own accounts: the one they are a member by, and one that nobody knows yet on the same phone."""
    sharer = make_member(session)
    token, phone = link_of(session, sharer.id), f"own-{sharer.id}"
    for identity in (make_identity(session, member=sharer), make_visitor(session)):
        open_by(session, identity, token, device=phone, at=at)
    return sharer


def honest_sharer(session: Session, at: datetime) -> Member:
    """Friends with a phone and an address each, two of them at one home."""
    sharer, home = make_member(session), unused_address()
    token = link_of(session, sharer.id)
    for number in range(FRIENDS):
        address = home if number < 2 else unused_address()
        device = f"friend-{sharer.id}-{number}"
        open_by(session, make_visitor(session), token, device=device, ip=address, at=at + number * MINUTE)
    return sharer


@pytest.mark.timeout(900)
def test_rings_are_found_and_honest_people_are_paid_once(
    session: Session, at: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(session)
    publish_plan(session)
    planted = {kind.__name__: list(kind(session, at)) for kind in KINDS}
    everybody = [one for group in planted.values() for one in group]

    for one in everybody * 2:
        settle(session, referral_of(session, one.member_id).id, at=at + timedelta(days=2) + WAITED)

    caught = {one.member_id for one in everybody if referral_of(session, one.member_id).state in CAUGHT}
    frauds = {one.member_id for one in everybody if one.is_fraud}
    recall, precision = len(caught & frauds) / len(frauds), len(caught & frauds) / len(caught)
    with capsys.disabled():
        told = {
            name: f"{sum(one.member_id in caught for one in group)}/{len(group)}" for name, group in planted.items()
        }
        print(f"\nrings: recall {recall:.3f}, precision {precision:.3f}, caught {told}")
    assert recall >= RECALL_LEAST
    assert precision >= PRECISION_LEAST
    paid = select(Referral.member_id).where(Referral.state == ReferralState.REWARDED)
    assert set(session.scalars(paid)) == {one.member_id for one in everybody} - caught
    rewards = select(func.count(ReferralReward.id)).group_by(ReferralReward.referral_id)
    assert set(session.scalars(rewards)) == {2}
    assert {balance_of(session, one.member_id) for one in everybody if one.member_id not in caught} <= {50, 150, 250}
    assert friends_who_earn(session, everybody, at + timedelta(days=4)) == {one.member_id for one in everybody} - caught


def friends_who_earn(session: Session, friends: Sequence[Planted], at: datetime) -> set[int]:
    """Let everybody buy, and say whose purchase came to a commission that can be withdrawn."""
    for one in friends:
        bought(session, session.get_one(Member, one.member_id), paid_at=at)
    accrue(session, at=at)
    approve(session, at=at + timedelta(days=8))
    approved = select(Commission.referee_id).where(Commission.state == CommissionState.APPROVED)
    return set(session.scalars(approved))


def test_clicks_of_machines_and_of_oneself_pay_nothing_and_those_of_friends_once(
    session: Session, at: datetime
) -> None:
    publish(session, opening=OpeningReward(points=2, per_day=1_000))
    farmers = [kind(session, at) for kind in (clicks_of_devices, clicks_of_an_address, clicks_of_oneself)]
    honest = [honest_sharer(session, at) for _ in range(3 * SCALE)]

    for payload in recorded(session, "share.opened") * 2:
        reward_opening(session, vault=VAULT, opening_id=payload["opening_id"], at=at + HOUR, zone=SHANGHAI)

    paid = select(PointsAccount.member_id, PointsAccount.balance)
    assert {tuple(row) for row in session.execute(paid)} == {(one.id, 2 * FRIENDS) for one in honest}
    missed = select(ReferralReward.reason).where(ReferralReward.member_id.in_([one.id for one in farmers])).distinct()
    assert set(session.scalars(missed)) == {"clicks_of_one_device", "clicks_of_one_address", "same_device"}
