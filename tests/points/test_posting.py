"""Posting to many members by one statement, and any sequence of postings to one."""

from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import CTE, BigInteger, DateTime, String, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from loyalty.kernel.errors import Conflict
from loyalty.points import posting
from loyalty.points.models import Lot, PointsAccount
from loyalty.points.posting import ACCOUNTS, Posting, constant, post_credits
from loyalty.points.queries import summary
from loyalty.points.rules import InsufficientPoints, ReversalExceedsEntry, Shortfall
from loyalty.points.service import open_account, release, release_expired
from tests.factories.members import make_member
from tests.factories.points import (
    AT,
    assert_books_fit,
    balance_of,
    capture,
    earn,
    events_of,
    place,
    reverse,
    spend,
)
from tests.support.proof import size

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def credits_of(members: list[int], points: int, at: datetime) -> CTE:
    """A source that gives the same points to many members."""
    now = bindparam("now", at, type_=DateTime(timezone=True))
    return (
        select(
            *posting.given(
                member_id=ACCOUNTS.c.member_id,
                kind=constant("earn"),
                points=literal(points, BigInteger),
                reference=literal("campaign:1", String),
                store_id=cast(None, BigInteger),
                actor=constant("system:campaigns"),
                explanation=cast(func.jsonb_build_object("rule", "campaign"), JSONB),
                occurred_at=now,
                recorded_at=now,
                opened_at=now,
                available_at=now,
                expires_at=cast(None, DateTime(timezone=True)),
            )
        )
        .where(ACCOUNTS.c.member_id.in_(members))
        .cte("source")
    )


class TestPostCredits:
    def test_posts_to_many_members_by_one_statement(self, session: Session, at: datetime) -> None:
        members = [make_member(session).id for _ in range(50)]
        for member_id in members:
            open_account(session, member_id=member_id, at=at)
        earn(session, members[0], 7)
        posted = session.execute(post_credits(credits_of(members, 25, at), event="points.earned").rows()).all()

        assert len(posted) == 50
        assert balance_of(session, members[0]) == 32
        assert session.scalars(select(func.sum(Lot.remaining)).where(Lot.member_id.in_(members))).one() == 1_257
        assert len(events_of(session, members[49])) == 1
        for member_id in (members[0], members[49]):
            assert_books_fit(session, member_id)


NUMBER = st.integers(0, 30)
ACTS = st.one_of(
    st.tuples(st.just("earn"), st.integers(1, 50)),
    st.tuples(st.just("earn for a minute"), st.integers(1, 50)),
    st.tuples(st.just("spend"), st.integers(1, 80)),
    st.tuples(st.just("place"), st.integers(1, 40)),
    st.tuples(st.sampled_from(["reverse", "reverse a part", "capture", "capture a part", "release", "wait"]), NUMBER),
)


class Member:
    """A member to whom acts happen; remembers what can be undone, and what all entries together moved."""

    def __init__(self, session: Session) -> None:
        self.id, self.moved, self.at = make_member(session).id, 0, AT
        self.reversible: list[int] = []
        self.references: list[str] = []
        self._session = session
        self.do("earn", 1, Shortfall.CLAMP)

    def do(self, act: str, number: int, shortfall: Shortfall) -> None:
        posted = self._post(act, number, shortfall)
        if posted is None:
            return
        if not act.startswith("reverse"):
            self.reversible.append(posted.entry_id)
        if not posted.is_replay:
            self.moved += posted.points
        balance, debt = self.standing()
        assert posted.is_replay or posted.balance_after == balance
        assert balance - debt == self.moved

    def standing(self) -> tuple[int, int]:
        account = self._session.get_one(PointsAccount, self.id, populate_existing=True)
        return account.balance, account.debt

    def _post(self, act: str, number: int, shortfall: Shortfall) -> Posting | None:
        session, at = self._session, self.at
        if act.startswith("earn"):
            expires_at = at + MINUTE if act == "earn for a minute" else None
            return earn(session, self.id, number, at=at, expires_at=expires_at)
        if act == "spend":
            return spend(session, self.id, number, at=at)
        if act == "wait":
            self.at += number * MINUTE / 10
        elif act == "place":
            place(session, self.id, number, reference=f"cart:{len(self.references)}", at=at, expires_at=at + 2 * MINUTE)
            self.references.append(f"cart:{len(self.references)}")
        elif act.startswith("reverse") and self.reversible:
            entry_id, points = self.reversible[number % len(self.reversible)], 1 if act == "reverse a part" else None
            return reverse(session, self.id, entry_id, points=points, shortfall=shortfall, at=at)
        elif self.references and act.startswith("capture"):
            reference, points = self.references[number % len(self.references)], 1 if act == "capture a part" else None
            return capture(session, self.id, reference, points=points, at=at)
        elif self.references and act == "release":
            release(session, member_id=self.id, reference=self.references[number % len(self.references)], at=at)
        return None


class TestAnySequenceOfPostings:
    @given(st.lists(ACTS, max_size=30), st.sampled_from([Shortfall.CLAMP, Shortfall.NEGATIVE]))
    @settings(
        max_examples=size(reduced=30, full=400),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_keeps_the_books_proved_and_the_balance_right(
        self, session: Session, acts: list[tuple[str, int]], shortfall: Shortfall
    ) -> None:
        member = Member(session)
        for act, number in acts:
            try:
                member.do(act, number, shortfall)
            except Conflict:
                continue
        now = summary(session, member_id=member.id, at=member.at)

        assert_books_fit(session, member.id)
        assert now.available + now.held <= now.balance
        if now.available:
            assert spend(session, member.id, now.available, at=member.at).points == -now.available
        with pytest.raises(InsufficientPoints):
            spend(session, member.id, 1, at=member.at)
        assert_books_fit(session, member.id)

    @given(st.lists(ACTS, max_size=20), st.randoms(use_true_random=False))
    @settings(
        max_examples=size(reduced=15, full=200),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_ends_as_if_nothing_had_happened_when_all_of_it_is_undone(
        self, session: Session, acts: list[tuple[str, int]], random: Random
    ) -> None:
        member = Member(session)
        for act, number in acts:
            try:
                member.do(act, number, Shortfall.NEGATIVE)
            except Conflict:
                continue
        release_expired(session, at=member.at + 3 * MINUTE, limit=10_000)
        random.shuffle(member.reversible)
        for entry_id in dict.fromkeys(member.reversible):
            with suppress(ReversalExceedsEntry):
                reverse(session, member.id, entry_id, shortfall=Shortfall.NEGATIVE, at=member.at)

        balance, debt = member.standing()
        # What a hold had bound when a refund wanted it is there again, and owed.
        assert balance == debt
        assert summary(session, member_id=member.id, at=member.at + DAY).available == 0
        assert_books_fit(session, member.id)
