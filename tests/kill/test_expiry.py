"""A worker killed at random points of the nightly expiry: the next one goes on, and the end is as undisturbed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs import periodic, queues
from loyalty.kernel.clock import business_date, end_of
from loyalty.kernel.transaction import run
from loyalty.points import service as points
from loyalty.points.service.batches import Change, adjust_many
from loyalty.points.service.expiry import MEMBERS_AT_A_TIME
from tests.factories.expiry import SHANGHAI, plan
from tests.kill.conftest import Installation
from tests.support.proof import size
from tests.support.settings import SEAL_KEY

pytestmark = pytest.mark.kill

MEMBERS = size(reduced=2_500, full=60_000)
KILLS = size(reduced=2, full=10)

_MEMBERS = text(
    "INSERT INTO members (number, status, enrolled_at, last_active_at)"
    " SELECT 'E' || n, 'active', :at, :at FROM generate_series(1, :members) n RETURNING id"
)
_READ = text("UPDATE inbox_messages SET read_at = :at")


def members_with_ended_lots(site: Installation) -> tuple[list[int], date]:
    """Members who were told in time of lots that ended at the last midnight, and today's business date."""
    today = business_date(site.now(), SHANGHAI)
    midnight = end_of(today - timedelta(days=1), SHANGHAI)

    def make(session: Session) -> list[int]:
        at = midnight - timedelta(days=9)
        members = sorted(session.scalars(_MEMBERS, {"members": MEMBERS, "at": at}))
        changes = [Change(member_id, 10, "gift", midnight) for member_id in members]
        adjust_many(session, changes=changes, explanation={"rule": "adjustment"}, actor="system:tests", at=at)
        plan(session, midnight - timedelta(days=1))
        session.execute(_READ, {"at": midnight - timedelta(hours=12)})
        return members

    return run(site.database, make), today


def booked_out(site: Installation) -> int:
    found: int | None = site.value("SELECT count(*) FROM ledger_entries WHERE kind = 'expire'")
    return found or 0


@contextmanager
def kept_open(site: Installation, member_id: int) -> Iterator[None]:
    """Let nobody book out this member, the last of the night: no worker is done before it is killed."""
    hold = text("SELECT FROM points_accounts WHERE member_id = :id FOR NO KEY UPDATE")
    with site.database.engine.begin() as connection:
        connection.execute(hold, {"id": member_id})
        yield


def has_been_taken_up(site: Installation, times: int) -> bool:
    return bool(site.value("SELECT attempts = :times FROM job_runs WHERE job = 'expire_lots'", times=times))


def start(site: Installation, on: date) -> Any:
    """Start the night's run, or take it up where a dead worker left it; return the worker."""
    stale = text("UPDATE job_runs SET heartbeat_at = now() - interval '10 minutes'")
    run(site.database, lambda session: session.execute(stale))
    queues.queue(queues.NIGHTLY, connection=site.redis).enqueue_call(
        periodic.perform, args=("expire_lots", on.isoformat(), on.isoformat()), timeout=300, result_ttl=0
    )
    return site.run("worker")


def test_a_worker_killed_while_lots_expire_leaves_the_end_unchanged(installation: Installation) -> None:
    site, chance = installation, Random(18)
    members, today = members_with_ended_lots(site)
    before = booked_out(site)

    for number in range(KILLS):
        enough = min(booked_out(site) + chance.randint(1, MEMBERS // (2 * KILLS)), before + MEMBERS - MEMBERS_AT_A_TIME)
        with kept_open(site, members[-1]):
            worker = start(site, today)
            site.wait(lambda number=number: has_been_taken_up(site, number + 1), "nobody takes up the run")
            site.wait(lambda enough=enough: booked_out(site) >= enough, "nothing expires")
            site.kill(worker)
        # It waits for what was kept open, and would for the next; its last sign of life would come after the start.
        site.wait_until_the_dead_have_left()
    start(site, today)

    site.wait(
        lambda: bool(site.value("SELECT finished_at IS NOT NULL FROM job_runs WHERE job = 'expire_lots'")),
        "the run does not end",
    )
    assert booked_out(site) - before == MEMBERS
    left = site.value("SELECT sum(remaining)::bigint FROM lots WHERE member_id = ANY(:ids)", ids=members)
    assert left == 0
    proof = run(site.database, lambda session: points.verify(session, seal_key=SEAL_KEY, at=site.now()))
    assert proof.is_green
