"""One coupon in many hands at once: whoever is first has it, and everybody else is told why not."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.queries.redemptions import RedemptionView
from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules.by_hand import ReverseReason
from loyalty.coupons.rules.errors import CouponLockEnded, CouponNotUsable, CouponNotVoidable, CouponRedemptionReversed
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.terms import BonusStep, DaysFromIssue, Stacking
from loyalty.coupons.service.bonus import pay_bonus, take_back_bonus
from loyalty.coupons.service.by_hand import undo_use
from loyalty.coupons.service.expiring import expire_coupons, release_run_out
from loyalty.coupons.service.locking import unlock
from loyalty.coupons.service.voiding import void
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.points.rules import Shortfall
from tests.factories.coupon_uses import HALF_AN_HOUR, ids_of, lock_up, settle, undo, use_of, use_up
from tests.factories.coupons import ACTOR, SHANGHAI, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.support.races import at_once, beside

CLIENTS = 16
Act = Callable[[Session], object]
_numbers = count(1)


@pytest.fixture
def member_id(committed_database: Database) -> int:
    return run(committed_database, lambda session: make_member(session).id)


def give(database: Database, member_id: int, coupons: int = 1, **changes: object) -> list[int]:
    def issue(session: Session) -> list[int]:
        template_id = make_template(session, terms_of(stacking=Stacking(is_exclusive=False), **changes))
        return [issue_to(session, member_id, template_id).coupon_id for _ in range(coupons)]

    return run(database, issue)


def race(database: Database, *acts: Act) -> Sequence[object]:
    """Do all at the same moment; return what each was answered."""
    return at_once([partial(run, database, act) for act in acts])


def using(member_id: int, *coupon_ids: int, at: datetime) -> Act:
    reference = f"till:{next(_numbers)}"
    return lambda session: use_up(session, member_id, *coupon_ids, reference=reference, use=use_of(30_000, at=at))


def locking(member_id: int, *coupon_ids: int, at: datetime) -> Act:
    reference = f"order:{next(_numbers)}"
    return lambda session: lock_up(
        session, member_id, *coupon_ids, reference=reference, at=at, use=use_of(30_000, at=at)
    )


def won(answers: Sequence[object]) -> int:
    """How many were not refused."""
    return sum(not isinstance(answer, LoyaltyError) for answer in answers)


def standing_of(database: Database, coupon_id: int, at: datetime) -> Standing:
    return run(database, lambda session: get_coupon(session, coupon_id=coupon_id, at=at)).standing


def uses_of(database: Database, coupon_id: int) -> int:
    """How many uses of a coupon stand."""
    row = CouponRedemption
    query = select(func.count()).where(row.coupon_id == coupon_id, row.reversed_at.is_(None))
    return run(database, lambda session: session.scalars(query).one())


def test_a_coupon_is_used_once_and_the_others_are_told_that_it_is_used(
    committed_database: Database, member_id: int, at: datetime
) -> None:
    (coupon_id,) = give(committed_database, member_id)

    answers = race(committed_database, *(using(member_id, coupon_id, at=at) for _ in range(CLIENTS)))

    refused = [answer for answer in answers if isinstance(answer, CouponNotUsable)]
    assert (won(answers), len(refused), uses_of(committed_database, coupon_id)) == (1, CLIENTS - 1, 1)
    assert {told["reason"] for one in refused for told in one.details["coupons"]} == {"used"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("asking", [using, locking])
def test_one_request_sent_many_times_is_done_once(
    committed_database: Database, member_id: int, at: datetime, asking: Callable[..., Act]
) -> None:
    (coupon_id,) = give(committed_database, member_id)
    act = asking(member_id, coupon_id, at=at)

    answers = race(committed_database, *[act] * CLIENTS)

    assert won(answers) == CLIENTS
    assert sum(not answer.is_replay for answer in answers) == 1  # type: ignore[attr-defined]


def test_of_many_locks_one_binds(committed_database: Database, member_id: int, at: datetime) -> None:
    (coupon_id,) = give(committed_database, member_id)

    answers = race(committed_database, *(locking(member_id, coupon_id, at=at) for _ in range(CLIENTS)))

    refused = [answer for answer in answers if isinstance(answer, CouponNotUsable)]
    assert (won(answers), len(refused)) == (1, CLIENTS - 1)
    assert {told["reason"] for one in refused for told in one.details["coupons"]} == {"locked"}  # type: ignore[attr-defined]


def test_coupons_named_in_any_order_go_together_or_not_at_all(
    committed_database: Database, member_id: int, at: datetime
) -> None:
    one, other, third = give(committed_database, member_id, 3)
    pairs = [(one, other), (other, one), (other, third), (third, one)]
    acts = [act(member_id, *pair, at=at) for pair in pairs for act in (using, locking)]

    answers = race(committed_database, *acts)

    assert (won(answers), sum(isinstance(answer, CouponNotUsable) for answer in answers)) == (1, len(acts) - 1)
    standings = sorted(standing_of(committed_database, coupon_id, at) for coupon_id in (one, other, third))
    assert standings in ([Standing.USABLE, Standing.USED, Standing.USED], [Standing.LOCKED] * 2 + [Standing.USABLE])


def test_paying_and_letting_go_at_once_do_one_of_both(
    committed_database: Database, member_id: int, at: datetime
) -> None:
    for _ in range(4):
        (coupon_id,) = give(committed_database, member_id)
        reference = f"race:{next(_numbers)}"
        run(committed_database, lambda session: lock_up(session, member_id, coupon_id, reference=reference, at=at))  # noqa: B023 - done at once

        paid, freed = race(
            committed_database,
            lambda session: settle(session, member_id, at=at, lock_reference=reference, reference=f"paid:{reference}"),  # noqa: B023
            lambda session: unlock(session, member_id=member_id, reference=reference, at=at),  # noqa: B023
        )

        assert not isinstance(paid, LoyaltyError)  # what is free can still be used by the order that pays
        assert freed is None or isinstance(freed, CouponLockEnded)
        assert (uses_of(committed_database, coupon_id), standing_of(committed_database, coupon_id, at)) == (
            1,
            Standing.USED,
        )


@pytest.mark.parametrize("first", ["paid", "swept"])
def test_a_lock_that_runs_out_while_it_is_paid_is_settled(
    committed_database: Database, member_id: int, at: datetime, first: str
) -> None:
    (coupon_id,) = give(committed_database, member_id)
    reference, late = f"race:{next(_numbers)}", at + HALF_AN_HOUR
    run(committed_database, lambda session: lock_up(session, member_id, coupon_id, reference=reference, at=at))

    def pay(session: Session) -> object:
        return settle(session, member_id, at=late, lock_reference=reference, reference=f"paid:{reference}")

    def sweep(session: Session) -> object:
        return release_run_out(session, at=late)

    acts = (pay, sweep) if first == "paid" else (sweep, pay)
    beside(committed_database, *acts)

    assert standing_of(committed_database, coupon_id, late) is Standing.USED


@pytest.mark.parametrize("is_lapsed", [False, True])
def test_the_nightly_job_takes_no_coupon_out_of_a_hand(
    committed_database: Database, member_id: int, at: datetime, is_lapsed: bool
) -> None:
    (coupon_id,) = give(committed_database, member_id, validity=DaysFromIssue(1))
    end = run(committed_database, lambda session: get_coupon(session, coupon_id=coupon_id, at=at)).expires_at
    paid_at = end if is_lapsed else end - timedelta(seconds=1)

    answers = race(
        committed_database, using(member_id, coupon_id, at=paid_at), lambda session: expire_coupons(session, at=end)
    )

    uses = uses_of(committed_database, coupon_id)
    assert (won(answers[:1]), won(answers[1:])) == (uses, 1)
    assert uses == 0 if is_lapsed else uses in (0, 1)
    assert standing_of(committed_database, coupon_id, end) is (Standing.USED if uses else Standing.LAPSED)


def test_of_using_and_voiding_one_happens(committed_database: Database, member_id: int, at: datetime) -> None:
    for _ in range(4):
        (coupon_id,) = give(committed_database, member_id)

        used, voided = race(
            committed_database,
            using(member_id, coupon_id, at=at),
            lambda session: void(session, coupon_ids=[coupon_id], reason="试发", actor=ACTOR, at=at),  # noqa: B023
        )

        is_used = not isinstance(used, LoyaltyError)
        assert is_used == isinstance(voided, CouponNotVoidable)
        assert standing_of(committed_database, coupon_id, at) is (Standing.USED if is_used else Standing.VOIDED)


def test_two_reversals_at_once_give_the_coupon_back_once(
    committed_database: Database, member_id: int, at: datetime
) -> None:
    (coupon_id,) = give(committed_database, member_id)
    redemption_id = ids_of(run(committed_database, using(member_id, coupon_id, at=at)))[0]  # type: ignore[arg-type]

    answers = race(
        committed_database, *(lambda session, name=name: undo(session, redemption_id, reference=name) for name in "ab")
    )

    assert won(answers) == 1
    assert won(race(committed_database, *(using(member_id, coupon_id, at=at) for _ in range(4)))) == 1


def test_a_bonus_and_its_reversal_at_once_leave_nothing(
    committed_database: Database, member_id: int, at: datetime
) -> None:
    run(committed_database, lambda session: earn(session, member_id, 5))
    (coupon_id,) = give(committed_database, member_id, bonus=(BonusStep(3, 30),))
    redemption_id = ids_of(run(committed_database, using(member_id, coupon_id, at=at)))[0]  # type: ignore[arg-type]

    def pay(session: Session) -> None:
        pay_bonus(session, redemption_id=redemption_id, at=at, zone=SHANGHAI)

    def take_back(session: Session) -> None:
        take_back_bonus(session, redemption_id=redemption_id, shortfall=Shortfall.NEGATIVE, at=at, zone=SHANGHAI)

    answers = race(committed_database, *[pay] * 4, lambda session: undo(session, redemption_id))
    assert won(answers) == 5
    race(committed_database, *[take_back] * 4, *[pay] * 4)

    assert run(committed_database, lambda session: balance_of(session, member_id)) == 5
    run(committed_database, lambda session: assert_books_fit(session, member_id))


def test_no_lock_is_left_behind(committed_database: Database, member_id: int, at: datetime) -> None:
    """Locking, letting go and using the same coupons, over and over: each ends used or free, none bound to nothing."""
    coupon_ids = give(committed_database, member_id, 4)
    acts: list[Act] = []
    for number in range(12):
        one, other = coupon_ids[number % 4], coupon_ids[(number + 1) % 4]
        acts.append(using(member_id, one, at=at) if number % 3 == 0 else _lock_and_let_go(member_id, one, other, at))

    race(committed_database, *acts)

    states = run(
        committed_database,
        lambda session: session.execute(select(Coupon.state, Coupon.lock_id).where(Coupon.id.in_(coupon_ids))).all(),
    )
    assert {tuple(row) for row in states} <= {("redeemed", None), ("issued", None)}


def _lock_and_let_go(member_id: int, one: int, other: int, at: datetime) -> Act:
    reference, lock_both = f"short:{next(_numbers)}", (one, other)

    def act(session: Session) -> None:
        lock_up(session, member_id, *lock_both, reference=reference, at=at, use=use_of(30_000, at=at))
        unlock(session, member_id=member_id, reference=reference, at=at)

    return act


def test_a_use_undone_by_two_of_the_staff_at_once_is_undone_and_noted_by_one(
    committed_database: Database, member_id: int, at: datetime
) -> None:
    (coupon_id,) = give(committed_database, member_id)
    (redemption_id,) = ids_of(run(committed_database, using(member_id, coupon_id, at=at)))  # type: ignore[arg-type]

    def undoing(name: str) -> Act:
        values = {"reason": ReverseReason.MISTAKE, "actor": Actor(name), "at": at, "zone": SHANGHAI}
        return lambda session: undo_use(session, redemption_id=redemption_id, **values)  # type: ignore[arg-type]

    answers = race(committed_database, *map(undoing, ["staff:1", "staff:1", "staff:2", "staff:2"]))

    noted = run(
        committed_database,
        lambda session: audit.list_entries(session, subject=f"coupon_redemption:{redemption_id}"),
    )
    assert len(noted) == 1
    done = {answer.reversed_by for answer in answers if isinstance(answer, RedemptionView)}
    assert (done, sum(isinstance(answer, CouponRedemptionReversed) for answer in answers)) == ({noted[0].actor}, 2)
