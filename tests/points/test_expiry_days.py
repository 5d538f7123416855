"""400 days on a virtual clock, with channels that fail and jobs that do not run: nobody loses points unknowingly.

What members were told and how often lots were moved is written down by the test itself, apart from what the system
keeps as evidence.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date
from loyalty.members.models import Identity, Member
from loyalty.notices.models import Notice, NoticeDelivery
from loyalty.points import service
from loyalty.points.expiry_models import LotWarning
from loyalty.points.models import Draw, LedgerEntry, Lot
from loyalty.points.rules import EntryKind, InsufficientPoints
from loyalty.points.rules.expiry import GRACES_MAX, lot_terms, policy_of
from tests.factories.expiry import SHANGHAI, expire, grace, open_inbox, plan
from tests.factories.members import make_identity, make_member
from tests.factories.points import earn, spend
from tests.support.proof import size
from tests.support.settings import SEAL_KEY

pytestmark = pytest.mark.proof

DAYS = size(reduced=130, full=400)
MEMBERS = size(reduced=6, full=12)
BEGIN = datetime(2027, 11, 20, 16, tzinfo=UTC)
"""Midnight in Shanghai, before a winter with a leap day."""
POLICIES = [
    policy_of(data)
    for data in (
        {"kind": "rolling_days", "n": 1},
        {"kind": "rolling_days", "n": 20},
        {"kind": "end_of_month", "n": 0},
        {"kind": "end_of_year", "n": 0},
        {"kind": "since_last_activity", "n": 9},
        {"kind": "never"},
    )
]
Told = tuple[int, date]


@dataclass
class World:
    """The chain and its members, as the test saw them."""

    session: Session
    chance: Random
    members: list[tuple[Member, Identity]] = field(default_factory=list)
    told: set[Told] = field(default_factory=set)
    """Lots and the last day that somebody certainly knew, before it was over."""
    moves: Counter[int] = field(default_factory=Counter)
    """How often a job let each lot live on."""

    def live(self, midnight: datetime, *, is_channel_up: bool, are_jobs_up: bool) -> None:
        """Live through one business date."""
        hours = [midnight + timedelta(hours=hour) for hour in (1, 6, 10, 20)]
        if are_jobs_up:
            self.watch(lambda: expire(self.session, hours[0]))
            plan(self.session, hours[1])
        self.send(hours[2], is_channel_up=is_channel_up)
        for member, _identity in self.members:
            self.act(member, hours[2])
        if are_jobs_up:
            self.watch(lambda: grace(self.session, hours[3]))

    def send(self, at: datetime, *, is_channel_up: bool) -> None:
        unsent = select(Notice).where(Notice.state == "queued")
        for notice in self.session.scalars(unsent).all():
            identity = next(identity for member, identity in self.members if member.id == notice.member_id)
            is_accepted = is_channel_up and identity.is_following
            self.session.add(
                NoticeDelivery(
                    notice_id=notice.id, member_id=notice.member_id, identity_id=identity.id, channel="template",
                    template_id="t", state="sent" if is_accepted else "failed", started_at=at, settled_at=at,
                )
            )  # fmt: skip
            notice.state = "finished"
            if is_accepted:
                self.note_told(LotWarning.notice_id == notice.id, at)
        self.session.flush()

    def act(self, member: Member, at: datetime) -> None:
        """Open the inbox now and then, buy, use points."""
        if self.chance.random() < 0.03:
            open_inbox(self.session, member.id, at=at)
            self.note_told(LotWarning.member_id == member.id, at)
        if self.chance.random() < 0.15:
            policy = self.chance.choice(POLICIES)
            earn(self.session, member.id, self.chance.randint(1, 50), at=at, terms=lot_terms(policy, at, SHANGHAI))
        if self.chance.random() < 0.05:
            try:
                spend(self.session, member.id, self.chance.randint(1, 40), at=at)
            except InsufficientPoints:
                return

    def note_told(self, which: ColumnElement[bool], at: datetime) -> None:
        rows = self.session.execute(select(LotWarning.lot_id, LotWarning.expires_on).where(which))
        self.told |= {(lot_id, on) for lot_id, on in rows if on >= business_date(at, SHANGHAI)}

    def watch(self, job: Callable[[], int]) -> None:
        """Count which lots a job moved: nothing but a grace does."""
        before = self.lots()
        job()
        after = self.lots()
        self.moves.update(lot_id for lot_id in before if after[lot_id] != before[lot_id])

    def lots(self) -> dict[int, tuple[datetime | None, int | None]]:
        rows = self.session.execute(select(Lot.id, Lot.expires_at, Lot.idle_days))
        return {lot_id: (expires_at, idle_days) for lot_id, expires_at, idle_days in rows}


def expired_lots(session: Session) -> set[Told]:
    """Lots that were booked out, and their last day; of those that lapsed, the day of the entry."""
    drawn = (
        select(Draw.lot_id, Lot.expires_at, LedgerEntry.occurred_at)
        .join(LedgerEntry, (LedgerEntry.member_id == Draw.member_id) & (LedgerEntry.id == Draw.entry_id))
        .join(Lot, (Lot.member_id == Draw.member_id) & (Lot.id == Draw.lot_id))
        .where(LedgerEntry.kind == EntryKind.EXPIRE)
    )
    return {
        (lot_id, business_date((expires_at or occurred_at) - timedelta(microseconds=1), SHANGHAI))
        for lot_id, expires_at, occurred_at in session.execute(drawn)
    }


def test_no_lot_expires_without_its_member_knowing_or_two_graces(session: Session) -> None:
    world = World(session, Random(20260310))
    for number in range(MEMBERS):
        member = make_member(session)
        world.members.append((member, make_identity(session, member=member, is_following=number % 3 != 0)))
    outage = Random(4)
    is_channel_up = are_jobs_up = True
    for day in range(DAYS):
        is_channel_up = is_channel_up if outage.random() < 0.8 else not is_channel_up
        are_jobs_up = outage.random() < (0.9 if are_jobs_up else 0.5)
        world.live(BEGIN + timedelta(days=day), is_channel_up=is_channel_up, are_jobs_up=are_jobs_up)

    expired = expired_lots(session)
    unknown = {lot_id for lot_id, _last_on in expired - world.told}
    graced = {lot_id for lot_id, moves in world.moves.items() if moves >= GRACES_MAX}
    assert unknown - graced == set()
    assert expired & world.told, "nothing expired after a message: the days prove nothing"
    assert unknown & graced, "nothing expired after two graces: the days prove nothing"
    assert max(world.moves.values()) == GRACES_MAX
    at = BEGIN + timedelta(days=DAYS)
    proofs = [
        service.verify(session, seal_key=SEAL_KEY, at=at, member_id=member.id) for member, _identity in world.members
    ]
    assert [proof.discrepancies for proof in proofs] == [[]] * MEMBERS
