"""Caps and budgets under fire from many processes on every path at once: each limit is exact, to the point.

Whatever is sent is sent twice, by two processes. Afterwards the counters hold what stands as paid, and when everything
that can be returned is returned, they hold nothing of it.
"""

import inspect
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import bulk, handlers, schedule
from jobs.earning import reward_birthdays
from jobs.periodic import PeriodicRun
from loyalty.earning.rules import EarningEvent
from loyalty.kernel.database import Database, connect
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.timetable import Slot
from loyalty.kernel.transaction import run
from loyalty.members.models import Identity
from loyalty.points.models import LedgerEntry, PointsAccount
from loyalty.points.service import verify
from tests.factories.check_ins import make_plan
from tests.factories.members import make_identity, make_member, unused_phone
from tests.factories.partners import make_key
from tests.factories.stores import make_store
from tests.proofs.limits_oracle import (
    NOWHERE,
    Bounded,
    Happened,
    ceilings_of,
    counted,
    exhausted,
    make_rules,
    points_standing,
    standing,
)
from tests.proofs.paths import ADJUSTED, AT, BESIDE, PATHS, TODAY, Act, Site, World, open_site
from tests.support import engines
from tests.support.processes import Crowd, crowd
from tests.support.proof import size
from tests.support.reaching import leading_to, naming
from tests.support.settings import SEAL_KEY, VAULT

pytestmark = pytest.mark.proof

PROCESSES = size(reduced=4, full=32)
REGULARS = size(reduced=2, full=20)
COUNT = size(reduced=4, full=60)
"""Calls of each act, some for each regular."""
COUNTING = [f"loyalty.earning.service.reserving:{name}" for name in ("reserve", "give_back")]
TAKING = [f"loyalty.limits.service:{name}" for name in ("reserve", "reserve_up_to", "give_back")]
RACED_BESIDE = {
    "loyalty.broadcasts.service.claiming",
    "loyalty.campaigns.service.reserving",
    "loyalty.check_ins.making_up",
    "loyalty.commissions.service.capping",
    "loyalty.commissions.service.undoing",
    "loyalty.missions.service.paying",
    "loyalty.payouts.service.exchanging",
    "loyalty.payouts.service.requesting",
    "loyalty.payouts.service.returning",
    "loyalty.referrals.service.opening_rewards",
    "loyalty.referrals.service.rewarding",
    "loyalty.referrals.service.taking_back",
}
"""Takers with one way to each of their limits; their races are in ``tests/concurrency``, under the module's name."""
_here: list[Site] = []

Deed = tuple[Act, int]


def test_every_path_to_a_limit_is_among_those_under_fire(app: Flask) -> None:
    assert set(doors(app)) & leading_to(*COUNTING) == set(PATHS)


def test_whoever_takes_of_a_limit_is_under_fire_here_or_among_the_coupons() -> None:
    takers = {module for module in naming(*TAKING) if not module.startswith("loyalty.limits.")}

    # Every way on which coupons reach theirs is in tests/concurrency/test_coupons_on_every_path.py.
    assert {module for module in takers if not module.startswith("loyalty.coupons.")} == {
        "loyalty.earning.service.reserving",
        *RACED_BESIDE,
    }


def doors(app: Flask) -> Iterator[str]:
    """Whatever the outside calls: views, handlers of events, jobs of the schedule, steps of bulk work."""
    views = [inspect.unwrap(getattr(view, "view_class", view)) for view in app.view_functions.values()]
    reacting = [handler for row in handlers.IN_TRANSACTION.values() for handler in row]
    steps = [kind.steps for kind in bulk.KINDS.values()]
    for function in (*views, *reacting, *handlers.FOLLOWED.values(), *handlers.BEFORE.values(), *steps):
        yield f"{function.__module__}:{function.__qualname__}"
    yield from (job.function for job in schedule.JOBS)


def test_caps_and_budgets_are_exact_whichever_way_points_come_and_go(redis_url: str) -> None:
    with engines.served_database("limits") as address:
        database = connect(address.url, pooling=address.pooling)
        world, rules = run(
            database, lambda session: (make_world(session, address, redis_url), make_rules(session, COUNT))
        )
        began = time.perf_counter()
        with crowd(PROCESSES, begin=begin, given=[world]) as processes:
            fire(processes, database, world, rules)
        print(f"\n{PROCESSES} processes, {COUNT} calls an act, twice each: {time.perf_counter() - began:.1f} s")
        database.engine.dispose()


def fire(processes: Crowd, database: Database, world: World, rules: Sequence[Bounded]) -> None:
    earning = [act for path in PATHS.values() for act in path.earning]
    processes.at_once(do, dealt([*earning, *BESIDE]))
    processes.at_once(deliver, dealt_events(database))
    happened = run(database, lambda session: list(happenings(session, world)))
    first = assert_exact(database, rules, happened)
    assert first.items() >= exhausted(rules, happened).items()

    processes.at_once(do, dealt([act for path in PATHS.values() for act in path.changing]))
    assert_exact(database, rules, happened)

    processes.at_once(do, dealt([act for path in PATHS.values() for act in path.undoing]))
    last = assert_exact(database, rules, happened)
    bought = {rule.rule_id for rule in rules if rule.event is EarningEvent.PURCHASE}
    assert last == Counter({key: used for key, used in first.items() if key[0] not in bought})


def assert_exact(database: Database, rules: Sequence[Bounded], happened: Sequence[Happened]) -> Counter[Any]:
    """The counters hold what stands as paid, none above its ceiling, and the books hold the same; return them."""

    def check(session: Session) -> Counter[Any]:
        held, most = counted(session), ceilings_of(rules, happened)
        assert held == standing(session, rules)
        assert [key for key, used in held.items() if used > most[key]] == []
        beside = session.scalar(select(func.sum(LedgerEntry.points)).where(LedgerEntry.reference.like("check_in:%")))
        owned = session.scalar(select(func.sum(PointsAccount.balance - PointsAccount.debt)))
        assert owned == points_standing(session) + beside + ADJUSTED * COUNT
        assert verify(session, seal_key=SEAL_KEY, at=AT).discrepancies == []
        return held

    return run(database, check)


def happenings(session: Session, world: World) -> Iterator[Happened]:
    """Everything that earned, told by the table of the paths."""
    enrolled = dict(session.execute(select(Identity.id, Identity.member_id)).all())
    for path in PATHS.values():
        for events in path.earning.values():
            for event, number in ((event, number) for event in events for number in range(COUNT)):
                there = Happened(event, world.regular(number)[0], world.store(number).id, TODAY)
                if event is EarningEvent.CHECK_IN:
                    there = replace(there, on=world.check_in_day(number))
                elif event is EarningEvent.ENROLLED:
                    there = replace(there, member_id=enrolled[world.visitors[number][0]])
                elif event in NOWHERE:
                    there = replace(there, member_id=world.people[number], store_id=None)
                yield there
    yield from (Happened(EarningEvent.BIRTHDAY, member_id, None, TODAY) for member_id in world.people)


def make_world(session: Session, address: engines.Address, redis_url: str) -> World:
    make_plan(session)
    stores = make_store(session), make_store(session)
    key, secret = make_key(session, stores)
    phones = [unused_phone() for _ in range(REGULARS)]
    regulars = [make_member(session, phone=phone, enrolled_store_id=stores[0].id) for phone in phones]
    people = [make_member(session) for _ in range(COUNT)]
    for member in people:
        member.birthday_sealed = VAULT.seal(f"1990-{TODAY:%m-%d}", context="members.birthday")
    return World(
        address=address,
        redis_url=redis_url,
        key=key,
        secret=secret,
        stores=stores,
        regulars=tuple((member.id, phone) for member, phone in zip(regulars, phones, strict=True)),
        people=tuple(member.id for member in people),
        visitors=tuple((make_identity(session).id, unused_phone()) for _ in range(COUNT)),
    )


def dealt(acts: Sequence[Act]) -> list[list[Deed]]:
    return twice([(act, number) for act in acts for number in range(COUNT)])


def dealt_events(database: Database) -> list[list[OutboxEvent]]:
    """The events that rules pay for, as at-least-once delivery may deal them out."""
    kinds = [kind for kind, row in handlers.IN_TRANSACTION.items() if any(f.__module__ == "jobs.earning" for f in row)]
    waiting = select(OutboxEvent).where(OutboxEvent.kind.in_(kinds)).order_by(OutboxEvent.id)
    return twice(run(database, lambda session: list(session.scalars(waiting))))


def twice(things: Sequence[Any]) -> list[list[Any]]:
    """Each thing for two processes, which come to it in orders of their own."""
    hands: list[list[Any]] = [[] for _ in range(PROCESSES)]
    for number, thing in enumerate(things):
        hands[number % PROCESSES].append(thing)
        hands[(number + 1) % PROCESSES].append(thing)
    for number, hand in enumerate(hands):
        Random(number).shuffle(hand)
    return hands


def begin(world: World) -> None:
    _here[:] = [open_site(world)]


def do(deeds: Sequence[Deed]) -> None:
    for act, number in deeds:
        act(_here[0], number)


def deliver(events: Sequence[OutboxEvent]) -> None:
    """Handle events, beside the night in which the birthdays come."""
    container = _here[0].container
    reward_birthdays(PeriodicRun(container, job="reward_birthdays", slot=Slot(TODAY.isoformat(), TODAY)))
    for event in events:
        handlers.handle(container, event)
