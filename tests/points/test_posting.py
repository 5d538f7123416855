"""Posting to many members by one statement, and any sequence of postings to one."""

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, DateTime, String, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from loyalty.points import posting
from loyalty.points.models import Lot
from loyalty.points.posting import ACCOUNTS, constant, post_credits
from loyalty.points.rules import InsufficientPoints, ReversalExceedsEntry, Shortfall
from loyalty.points.service import open_account
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn, events_of, reverse, spend
from tests.support.proof import size


class TestPostCredits:
    def test_posts_to_many_members_by_one_statement(self, session: Session, at: datetime) -> None:
        members = [make_member(session).id for _ in range(50)]
        for member_id in members:
            open_account(session, member_id=member_id, at=at)
        earn(session, members[0], 7)
        now = bindparam("now", at, type_=DateTime(timezone=True))
        source = select(
            *posting.given(
                member_id=ACCOUNTS.c.member_id,
                kind=constant("earn"),
                points=literal(25, BigInteger),
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
        ).where(ACCOUNTS.c.member_id.in_(members))

        posted = session.execute(post_credits(source.cte("source"), event="points.earned").rows()).all()

        assert len(posted) == 50
        assert balance_of(session, members[0]) == 32
        assert session.scalars(select(func.sum(Lot.remaining)).where(Lot.member_id.in_(members))).one() == 1_257
        assert len(events_of(session, members[49])) == 1
        for member_id in (members[0], members[49]):
            assert_books_fit(session, member_id)


class TestAnySequenceOfPostings:
    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("earn"), st.integers(1, 50)),
                st.tuples(st.just("spend"), st.integers(1, 80)),
                st.tuples(st.just("reverse"), st.integers(0, 30)),
                st.tuples(st.just("reverse a part"), st.integers(0, 30)),
            ),
            max_size=25,
        )
    )
    @settings(
        max_examples=size(reduced=25, full=400),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_keeps_the_books_proved_and_the_balance_right(self, session: Session, acts: list[tuple[str, int]]) -> None:
        member_id = make_member(session).id
        earn(session, member_id, 1)
        balance, reversible = 1, []
        for act, number in acts:
            try:
                if act == "earn":
                    posted = earn(session, member_id, number)
                elif act == "spend":
                    posted = spend(session, member_id, number)
                elif reversible:
                    entry_id = reversible[number % len(reversible)]
                    part = {"points": 1} if act == "reverse a part" else {}
                    posted = reverse(session, member_id, entry_id, shortfall=Shortfall.CLAMP, **part)
                else:
                    continue
            except (InsufficientPoints, ReversalExceedsEntry):
                continue
            if not act.startswith("reverse"):
                reversible.append(posted.entry_id)
            balance += posted.points
            assert posted.balance_after == balance

        assert balance_of(session, member_id) == balance
        assert_books_fit(session, member_id)
