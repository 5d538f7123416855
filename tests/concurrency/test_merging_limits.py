"""Limits of members who are merged while they are getting something: they hold for both together, in either order."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.bulk import KINDS
from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.errors import CouponLimitReached
from loyalty.coupons.rules.issue_jobs import Work, subject_of
from loyalty.coupons.rules.limiting import subject_of as subject_of_template
from loyalty.coupons.rules.states import CouponState, IssuePath
from loyalty.coupons.rules.terms import MemberLimits
from loyalty.coupons.service.issue_jobs import create_for_tag, undo
from loyalty.earning.rules import Conditions, Definition, EarningEvent, Fixed
from loyalty.earning.rules.definition import Caps
from loyalty.earning.service import Happening, reward
from loyalty.earning.service.rules import end
from loyalty.kernel import bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.limits.models import LimitCounter
from loyalty.limits.rules import TOTAL, member_entity
from loyalty.members.rules.members import MemberGone
from loyalty.merging.service import merge
from tests.factories.coupons import ACTOR, SHANGHAI, issue_to, make_template, terms_of
from tests.factories.earning import make_rule
from tests.factories.issue_jobs import CHECKER, MAKER, approve, do_page
from tests.factories.members import make_member
from tests.factories.points import AT, balance_of
from tests.factories.tags import make_tag, put_tag
from tests.support.containers import NullContainer, null_container
from tests.support.races import at_once, beside
from tests.support.settings import VAULT

ROUNDS = 32
_numbers = count(1)
Step = Callable[[Session], object]


@dataclass(frozen=True)
class Pair:
    """Two members of one person, and a coupon of which a member gets one."""

    container: NullContainer
    template_id: int
    kind: str
    survivor_id: int
    other_id: int
    at: datetime

    @property
    def database(self) -> Database:
        """Where they are."""
        return self.container.database

    def merge_beside(self, *gets: Step) -> None:
        """Merge them at the moment at which they get something."""
        at_once([partial(run, self.database, step) for step in (*gets, self.merge)])

    def balance(self) -> int:
        """Return the points of the survivor."""
        return run(self.database, lambda session: balance_of(session, self.survivor_id))

    def merge(self, session: Session) -> None:
        merge(session, survivor_id=self.survivor_id, other_id=self.other_id, actor=Actor("staff:1"), at=self.at)

    def count(self) -> tuple[int, Mapping[int, int]]:
        """Return how many coupons both have, and what is counted for each."""
        ids = {member_entity(one): one for one in (self.survivor_id, self.other_id)}
        mine = Coupon.template_id == self.template_id, Coupon.state == CouponState.ISSUED
        counted = select(LimitCounter.entity, LimitCounter.used).where(
            LimitCounter.subject == subject_of_template(self.template_id),
            LimitCounter.period == TOTAL,
            LimitCounter.entity.in_(ids),
        )

        def read(session: Session) -> tuple[int, Mapping[int, int]]:
            coupons = select(func.count()).where(*mine, Coupon.member_id.in_(ids.values()))
            used = {ids[row.entity]: row.used for row in session.execute(counted)}
            return session.scalars(coupons).one(), used

        return run(self.database, read)

    def assert_has_one(self) -> None:
        """The survivor has the coupon, or gets it now, and no second one."""
        for _attempt in range(2):
            with suppress(CouponLimitReached):
                run(self.database, lambda session: issue_to(session, self.survivor_id, self.template_id))
        assert self.count() == (1, {self.survivor_id: 1})


def _claim(pair: Pair, member_id: int | None = None) -> Step:
    wants = member_id or pair.other_id
    return lambda session: issue_to(session, wants, pair.template_id, path=IssuePath.CLAIM, at=pair.at)


def _by_partner(pair: Pair) -> Step:
    return lambda session: issue_to(session, pair.other_id, pair.template_id, path=IssuePath.PARTNER, at=pair.at)


def _by_rule(pair: Pair) -> Step:
    def happen(session: Session) -> None:
        for _event in range(2):
            happening = Happening(
                event=EarningEvent.CUSTOM, member_id=pair.other_id, occurred_at=pair.at, custom_kind=pair.kind
            )
            reference = f"{pair.kind}:{next(_numbers)}"
            reward(session, VAULT, happening=happening, reference=reference, at=pair.at, zone=SHANGHAI)

    return happen


def _in_bulk(pair: Pair) -> Step:
    return _page_of(pair, _approved_job(pair), Work.ISSUE)


def _page_of(pair: Pair, job_id: int, work: Work) -> Step:
    def find(session: Session) -> BulkRun:
        found = bulk.find_run(session, kind=work, subject=subject_of(job_id))
        assert found is not None
        return found

    started = run(pair.database, find)
    page = next(KINDS[work].steps(pair.container, started))
    return lambda session: bulk.work_page(session, run_id=started.id, page=page, at=AT)


def _approved_job(pair: Pair) -> int:
    """Return a job that names the one who goes, and waits to issue."""

    def make(session: Session) -> int:
        tag_id = make_tag(session)
        put_tag(session, tag_id, pair.other_id)
        return create_for_tag(
            session, title="合并", template_id=pair.template_id, store_id=None, tag_id=tag_id, actor=MAKER, at=AT
        )

    job_id = run(pair.database, make)
    do_page(pair.container, job_id, Work.CHECK_TAG)
    run(pair.database, lambda session: approve(session, job_id))
    return job_id


PATHS: Mapping[str, Callable[[Pair], Step]] = {
    "claim": _claim,
    "partner": _by_partner,
    "earning rule": _by_rule,
    "bulk": _in_bulk,
}
every_path = pytest.mark.parametrize("prepare", PATHS.values(), ids=PATHS)


@pytest.fixture
def pairs(committed_database: Database, redis_url: str, at: datetime) -> Iterator[list[Pair]]:
    """Pairs that share a template, and a rule that gives its coupon with ten points, fifteen to each member at most."""
    container = null_container(committed_database, redis_url=redis_url, at=at)

    def make(session: Session) -> tuple[int, list[Pair]]:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)), stock=None)
        kind = f"merging.t{template_id}"
        definition = Definition(
            event=EarningEvent.CUSTOM,
            points=Fixed(10),
            caps=Caps(member_total=15),
            coupon_template_id=template_id,
            conditions=Conditions(custom_kind=kind),
        )
        rule_id = make_rule(session, definition)
        ids = [(make_member(session).id, make_member(session).id) for _ in range(ROUNDS)]
        either_way = [pair if number % 2 else pair[::-1] for number, pair in enumerate(ids)]
        return rule_id, [Pair(container, template_id, kind, *pair, at) for pair in either_way]

    rule_id, made = run(container.database, make)
    yield made
    run(container.database, lambda session: end(session, rule_id=rule_id, actor=ACTOR, at=at))


def test_who_is_merged_while_both_claim_again_and_again_has_one(pairs: list[Pair]) -> None:
    for pair in pairs:
        pair.merge_beside(*(_claim(pair, member_id) for member_id in (pair.other_id, pair.survivor_id) * 3))

        coupons, used = pair.count()
        assert (coupons, used) == (used[pair.survivor_id], {pair.survivor_id: coupons})
        assert coupons in (1, 2), "each of two members may have had one"
        with pytest.raises(CouponLimitReached):
            run(pair.database, _claim(pair, pair.survivor_id))


@every_path
def test_a_coupon_on_its_way_is_counted_for_the_survivor(pairs: list[Pair], prepare: Callable[[Pair], Step]) -> None:
    pair = pairs[0]

    beside(pair.database, prepare(pair), pair.merge)

    assert pair.count() == (1, {pair.survivor_id: 1})
    pair.assert_has_one()


@every_path
def test_who_wants_a_coupon_amid_a_merge_waits_and_is_seen_as_merged(
    pairs: list[Pair], prepare: Callable[[Pair], Step]
) -> None:
    pair = pairs[0]
    get = prepare(pair)

    with suppress(MemberGone):
        beside(pair.database, pair.merge, get)

    pair.assert_has_one()


def test_points_on_their_way_are_counted_for_the_survivor(pairs: list[Pair]) -> None:
    for pair in pairs[:8]:
        pair.merge_beside(_by_rule(pair))

        run(pair.database, _by_rule(pair))
        assert pair.balance() == 15


@pytest.mark.parametrize("is_merge_first", [True, False])
def test_what_is_taken_back_amid_a_merge_is_free_for_the_survivor(pairs: list[Pair], is_merge_first: bool) -> None:
    pair = pairs[0]
    job_id = _approved_job(pair)
    run(pair.database, _page_of(pair, job_id, Work.ISSUE))
    run(pair.database, lambda session: undo(session, job_id=job_id, actor=CHECKER, at=AT))
    steps = (pair.merge, _page_of(pair, job_id, Work.UNDO))

    beside(pair.database, *(steps if is_merge_first else steps[::-1]))

    pair.assert_has_one()
