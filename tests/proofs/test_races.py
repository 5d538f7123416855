"""Members under fire from many processes, each with connections of its own, as from many servers."""

import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from loyalty.check_ins.rules import AlreadyCheckedIn
from loyalty.kernel.database import Database, connect
from loyalty.kernel.transaction import run
from loyalty.points.rules import InsufficientPoints
from loyalty.points.service import open_account, verify
from tests.factories.check_ins import check_in_on, make_plan
from tests.factories.members import make_member
from tests.factories.points import balance_of, earn, spend
from tests.support import engines
from tests.support.processes import crowd
from tests.support.proof import size
from tests.support.settings import SEAL_KEY

pytestmark = pytest.mark.proof

PROCESSES = size(reduced=4, full=32)
MEMBERS = size(reduced=6, full=150)
TAPS = size(reduced=2, full=4)
EARNED, SPENT, PAID = 5, 8, 1
TODAY = date(2026, 3, 10)


@dataclass(frozen=True)
class Attack:
    """What one process does to all members, in an order of its own."""

    address: engines.Address
    member_ids: tuple[int, ...]
    number: int


def attack(order: Attack) -> Counter[str]:
    """Tap, earn and spend for every member, and count what came of it."""
    database = connect(order.address.url, pooling=order.address.pooling, connections=1)
    acts = [(member_id, act) for member_id in order.member_ids for act in ("tap", "earn", "spend") * TAPS]
    random.Random(order.number).shuffle(acts)
    counted = Counter(_done(database, member_id, act, f"{order.number}-{n}") for n, (member_id, act) in enumerate(acts))
    database.engine.dispose()
    return counted


def _done(database: Database, member_id: int, act: str, key: str) -> str:
    try:
        if act == "tap":
            check_in_on(database, member_id, TODAY, idempotency_key=f"tap-{key}")
        elif act == "earn":
            run(database, lambda session: earn(session, member_id, EARNED, reference=f"order:{key}"))
        else:
            run(database, lambda session: spend(session, member_id, SPENT, reference=f"exchange:{key}"))
    except (AlreadyCheckedIn, InsufficientPoints) as refusal:
        return refusal.code
    return act


def newcomers(database: Database) -> tuple[int, ...]:
    """Members, some of whom have no account yet."""
    run(database, make_plan)
    made = [run(database, lambda session: make_member(session).id) for _ in range(MEMBERS)]
    for member_id in made[::2]:
        run(database, lambda session, owner=member_id: open_account(session, member_id=owner, at=datetime.now(UTC)))  # type: ignore[misc]
    return tuple(made)


def test_many_processes_lose_nothing_and_pay_nothing_twice(
    committed_database: Database, committed_address: engines.Address
) -> None:
    member_ids = newcomers(committed_database)
    orders = [Attack(committed_address, member_ids, number) for number in range(PROCESSES)]
    began = time.perf_counter()
    with crowd(PROCESSES) as attackers:
        counted = sum(attackers.at_once(attack, orders), Counter[str]())
    seconds = time.perf_counter() - began

    print(f"\n{PROCESSES} processes, {MEMBERS} members, {counted.total()} acts in {seconds:.1f} s: {dict(counted)}")
    assert counted.total() == PROCESSES * MEMBERS * TAPS * 3
    assert counted["tap"] == MEMBERS
    assert counted["earn"] == PROCESSES * MEMBERS * TAPS
    balances = [
        run(committed_database, lambda session, owner=owner: balance_of(session, owner)) for owner in member_ids
    ]  # type: ignore[misc]
    assert sum(balances) == counted["tap"] * PAID + counted["earn"] * EARNED - counted["spend"] * SPENT
    assert min(balances) >= 0
    for member_id in member_ids:
        proof = run(
            committed_database,
            lambda session, owner=member_id: verify(session, seal_key=SEAL_KEY, at=datetime.now(UTC), member_id=owner),  # type: ignore[misc]
        )
        assert proof.discrepancies == []
