"""One stock under fire on every path at once: what is issued is the stock exactly, to the last coupon.

Nothing that only shares load or work decides: queues may be emptied and processes killed in the middle.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

import pytest
import redis
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from app import create_app
from loyalty.coupons.rules.errors import CouponSoldOut
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service import self_service
from loyalty.kernel.database import Database, Pooling, connect
from loyalty.kernel.transaction import run
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.service import open_session
from tests.concurrency.coupon_paths import PATHS, Path
from tests.concurrency.coupon_races import approved_job
from tests.concurrency.coupon_sales import close_sale, open_sale
from tests.factories.coupons import SHANGHAI, issued_of, make_template, terms_of
from tests.factories.members import make_identity, make_member
from tests.support import engines
from tests.support.containers import NullContainer, null_container
from tests.support.processes import fresh_processes
from tests.support.proof import size
from tests.support.races import at_once
from tests.support.reaching import calling, naming
from trial.processes import wait_until

pytestmark = pytest.mark.proof

CLIENTS = 64
TURNS = size(reduced=1, full=200)
"""Members for each client, who come one after the other."""
MANY = size(reduced=10, full=10_000)
KILLED_STOCK = 300
ISSUE = "loyalty.coupons.service.issuing:issue"
ISSUE_IN_BULK = "loyalty.coupons.service.issue_jobs.issuing"
GIVE_BY_CAMPAIGN = "loyalty.campaigns.service.giving:give"
MAKE_A_JOB = "loyalty.coupons.service.issue_jobs.life:_create"
TAKING = [f"loyalty.limits.service:{name}" for name in ("reserve", "reserve_for_each", "reserve_up_to")]
_HOLD = text("SELECT FROM members WHERE id = :id FOR UPDATE")
_CLAIMING = f"claiming-{os.getpid()}"
# Behind a pooler the server's side of a connection stays, idle, when its client is killed, and others use it, we too.
_WORKING = text(
    f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{_CLAIMING}'"
    " AND state IS DISTINCT FROM 'idle' AND pid <> pg_backend_pid()"
)


@pytest.fixture
def container(committed_database: Database, redis_url: str, at: datetime) -> NullContainer:
    return null_container(committed_database, redis_url=redis_url, at=at)


def fire(container: NullContainer, paths: Sequence[Path], *, stock: int, at: datetime) -> None:
    """Let a client for each path come at the same moment; all say together that they got what there was."""
    sale = open_sale(container, stock=stock, clients=len(paths), turns=TURNS, at=at)
    for client, path in enumerate(paths):
        if path.job is not None:
            sale.jobs[client] = approved_job(sale, client, make=path.job.make, check=path.job.check)
    got = at_once([partial(path.race, sale, client) for client, path in enumerate(paths)])
    close_sale(sale)
    assert [one for one in got if not isinstance(one, int)] == []
    assert (sum(got), *issued_of(container.database, sale.template_id)) == (stock, stock, stock)  # type: ignore[arg-type]


def test_every_path_has_its_row() -> None:
    entrances = {path.entrance for path in PATHS.values()}

    assert calling(ISSUE, MAKE_A_JOB, GIVE_BY_CAMPAIGN) == entrances
    assert {path.issues for path in PATHS.values()} == set(IssuePath)


def test_whoever_takes_of_a_stock_is_on_one_of_the_paths() -> None:
    takers = {module for module in naming(*TAKING) if module.startswith("loyalty.coupons.")}

    # The tries of claim codes are counted beside.
    assert takers == {ISSUE.partition(":")[0], ISSUE_IN_BULK, "loyalty.coupons.service.claiming"}


@pytest.mark.parametrize("stock", [1, MANY])
def test_all_paths_at_once_issue_the_stock_exactly(container: NullContainer, stock: int, at: datetime) -> None:
    every = list(PATHS.values())

    fire(container, [every[number % len(every)] for number in range(CLIENTS)], stock=stock, at=at)


@pytest.mark.parametrize("name", PATHS)
def test_each_path_by_itself_issues_the_stock_exactly(container: NullContainer, name: str, at: datetime) -> None:
    fire(container, [PATHS[name]] * size(reduced=12, full=CLIENTS), stock=size(reduced=5, full=MANY), at=at)


def test_taps_are_exact_while_redis_is_emptied(container: NullContainer, redis_url: str, at: datetime) -> None:
    app, stock = create_app(container), 10

    def visitors(session: Session) -> tuple[int, list[str]]:
        template_id = make_template(session, terms_of(), stock=stock, at=at)
        identities = [
            make_identity(session, member=make_member(session), kind=IdentityKind.MINI_PROGRAM) for _ in range(24)
        ]
        return template_id, [
            open_session(session, identity_id=one.id, door=Door.MINI_PROGRAM, at=at) for one in identities
        ]

    template_id, tokens = run(container.database, visitors)

    def tap(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"tap-of-the-sale-{template_id}"}
        path = f"/miniprogram/v1/coupon-centre/{template_id}/claims"
        return app.test_client().post(path, json={}, headers=headers).status_code

    def empty() -> int:
        return int(bool(redis.Redis.from_url(redis_url).flushdb()))

    answers = at_once([call for token in tokens for call in (partial(tap, token), empty)])

    assert sorted(answers) == [*[1] * len(tokens), *[201] * stock, *[429] * (len(tokens) - stock)]  # type: ignore[type-var]
    assert issued_of(container.database, template_id) == (stock, stock)


def claim_again_and_again(url: str, pooling: Pooling, template_id: int, member_ids: list[int], at: datetime) -> None:
    """What a web process does, one claim after the other, in a process of its own."""
    database = connect(url, pooling=pooling, connections=1)
    for member_id in member_ids:
        try:
            self_service.claim(
                database, template_id=template_id, member_id=member_id, key=f"tap-{template_id}", at=at, zone=SHANGHAI
            )
        except CouponSoldOut:
            continue


@contextmanager
def kept_waiting(database: Database, member_id: int) -> Iterator[None]:
    """Let nobody give this member anything: however quick a process is, it is claiming when it is killed."""
    with database.engine.begin() as connection:
        connection.execute(_HOLD, {"id": member_id})
        yield


@pytest.mark.kill
def test_processes_that_are_killed_while_they_claim_lose_and_double_nothing(
    committed_database: Database, committed_address: engines.Address, at: datetime
) -> None:
    named = make_url(committed_address.url).update_query_dict({"application_name": _CLAIMING})
    url, pooling = named.render_as_string(hide_password=False), committed_address.pooling

    def sale(session: Session) -> tuple[int, list[int]]:
        members = [make_member(session).id for _ in range(KILLED_STOCK + 20)]
        return make_template(session, terms_of(), stock=KILLED_STOCK, at=at), members

    template_id, member_ids = run(committed_database, sale)

    def has_issued(enough: int) -> bool:
        return issued_of(committed_database, template_id)[0] >= enough

    def nobody_works() -> bool:
        return not run(committed_database, lambda session: session.execute(_WORKING).scalar_one())

    for enough, last in ((5, 100), (25, 200)):
        claiming = fresh_processes().Process(
            target=claim_again_and_again, args=(url, pooling, template_id, member_ids, at)
        )
        with kept_waiting(committed_database, member_ids[last]):
            claiming.start()
            assert wait_until(partial(has_issued, enough), within_seconds=60)
            claiming.kill()
            claiming.join(10)
        assert claiming.exitcode == -signal.SIGKILL
        assert wait_until(nobody_works, within_seconds=20)
        rows, issued = issued_of(committed_database, template_id)
        assert rows == issued < KILLED_STOCK
    claim_again_and_again(committed_address.url, pooling, template_id, member_ids, at)

    assert issued_of(committed_database, template_id) == (KILLED_STOCK, KILLED_STOCK)
