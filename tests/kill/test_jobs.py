"""Killing the parts of a running installation: nothing of value is lost or doubled, and it goes on by itself."""

import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.channels import service as channels
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.channels.service.templates import TemplateSettings
from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import Unavailable
from loyalty.kernel.transaction import run
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices import service as notices
from loyalty.notices.rules import KINDS, NoticeKind
from loyalty.notices.service import GrantSource
from loyalty.points import service as points
from sandbox.defaults import DEFAULT_TEMPLATES
from tests.factories.members import make_identity, make_member
from tests.factories.notices import SHANGHAI, points_facts
from tests.kill.conftest import RECOVERY_SECONDS, Installation
from tests.support.proof import size
from tests.support.settings import MP_APPID, OA_APPID, SEAL_KEY

pytestmark = pytest.mark.kill

SIZE = size(reduced=1, full=10)
OA_TEMPLATE, MP_TEMPLATE = DEFAULT_TEMPLATES[0]["template_id"], DEFAULT_TEMPLATES[2]["template_id"]
TEMPLATES = {
    (OA_APPID, TemplateChannel.TEMPLATE, OA_TEMPLATE): {
        "character_string1": "{member_number}",
        "number2": "{points:unsigned}",
        "thing3": "{reason}",
        "number4": "{balance:unsigned}",
        "time5": "{occurred_at}",
    },
    (MP_APPID, TemplateChannel.SUBSCRIPTION, MP_TEMPLATE): {
        "thing1": "{reason}",
        "number2": "{points:unsigned}",
        "number3": "{balance:unsigned}",
        "time4": "{occurred_at}",
    },
}


@pytest.fixture
def site(installation: Installation) -> Installation:
    """The installation with its templates set, and nothing running yet."""

    def save(session: Session) -> None:
        for (appid, channel, template_id), mapping in TEMPLATES.items():
            channels.save_template(
                session, appid=appid, notice_kind=NoticeKind.POINTS_CHANGED, channel=channel,
                settings=TemplateSettings(template_id=template_id, title="积分变动", mapping=mapping),
                facts=KINDS[NoticeKind.POINTS_CHANGED].facts, actor=Actor("system:test"), at=installation.now(),
            )  # fmt: skip

    run(installation.database, save)
    return installation


def member_with(site: Installation, user: dict[str, Any], *, grants: int = 0) -> int:
    """A member who is this user of the sandbox: a follower, or somebody with grants of the mini program."""
    appid = MP_APPID if grants else OA_APPID
    kind = IdentityKind.MINI_PROGRAM if grants else IdentityKind.OFFICIAL_ACCOUNT

    def make(session: Session) -> int:
        member = make_member(session)
        identity = make_identity(
            session, member=member, kind=kind, appid=appid, openid=user["openids"][appid], is_following=not grants
        )
        for number in range(grants):
            notices.record_grants(
                session, identity_id=identity.id, answers={MP_TEMPLATE: "accept"},
                source=GrantSource.POPUP_EVENT, reference=f"push:{number}", at=site.now(),
            )  # fmt: skip
        return member.id

    for _ in range(grants):
        site.control(f"/users/{user['id']}/mp/subscribe", {"appid": MP_APPID, "answers": {MP_TEMPLATE: "accept"}})
    return run(site.database, make)


def request(site: Installation, member_id: int, subject: str) -> None:
    at = site.now()
    run(
        site.database,
        lambda session: notices.request(
            session, member_id=member_id, kind=NoticeKind.POINTS_CHANGED, subject=subject,
            facts=points_facts(), zone=SHANGHAI, at=at, acted_at=at,
        ),
    )  # fmt: skip


def earn(site: Installation, member_id: int, reference: str) -> None:
    at = site.now()
    run(
        site.database,
        lambda session: points.earn(
            session, member_id=member_id, points=1, reference=reference, explanation={"rule": "purchase"},
            occurred_at=at, at=at,
        ),
    )  # fmt: skip


def delivery_state(site: Installation, member_id: int) -> str | None:
    state: str | None = site.value(
        "SELECT state FROM notice_deliveries WHERE member_id = :id ORDER BY id LIMIT 1", id=member_id
    )
    return state


def told(site: Installation, member_ids: list[int]) -> int | None:
    """How many changes of points the members are told of: each event asks for one message, once."""
    total: int | None = site.value(
        "SELECT count(*) FROM notices WHERE kind = 'points_changed' AND member_id = ANY(:ids)", ids=member_ids
    )
    return total


def nothing_waits(site: Installation) -> bool:
    return bool(site.value("SELECT count(*) = 0 FROM outbox_events"))


def run_worker_until_it_sends(site: Installation, member_id: int, path: str) -> subprocess.Popen[bytes]:
    site.control("/faults", {"path": path, "times": 1, "delay_ms": 4000})
    request(site, member_id, "entry:killed")
    worker = site.run("worker")
    site.wait(lambda: delivery_state(site, member_id) == "sending", "nothing was sent")
    return worker


def test_a_worker_killed_while_it_sends_a_template_message_doubles_nothing(site: Installation) -> None:
    user, other = site.person(follows=OA_APPID), site.person(follows=OA_APPID)
    member_id, other_id = member_with(site, user), member_with(site, other)
    site.run("scheduler")
    worker = run_worker_until_it_sends(site, member_id, "template/send")

    site.kill(worker)
    site.run("worker")
    request(site, other_id, "entry:other")
    site.wait(lambda: site.messages(other) == ["template"], "the next message was not sent")

    site.advance(150)
    # Sent by the second worker, whether the first was killed before or after its request had left.
    site.wait(lambda: delivery_state(site, member_id) == "sent", "the stale message was not resent")
    assert site.messages(user) == ["template"]


def test_a_worker_killed_while_it_sends_a_subscription_message_leaves_it_unknown(site: Installation) -> None:
    user = site.person()
    member_id = member_with(site, user, grants=2)
    site.run("scheduler")
    worker = run_worker_until_it_sends(site, member_id, "subscribe/send")

    site.kill(worker)
    site.run("worker")
    site.advance(150)

    site.wait(lambda: delivery_state(site, member_id) == "unknown", "the stale message was not given up")
    assert len(site.messages(user)) <= 1
    assert site.value("SELECT count(*) FROM inbox_messages WHERE member_id = :id", id=member_id) == 1
    assert site.value("SELECT sum(balance)::bigint FROM subscription_grants") == 1


def test_events_of_a_killed_worker_are_taken_up_when_their_lease_runs_out(site: Installation) -> None:
    user = site.person(follows=OA_APPID)
    member_id = member_with(site, user)
    site.control("/faults", {"path": "template/send", "times": 1, "delay_ms": 4000})
    scheduler = site.run("scheduler")
    run(site.database, lambda session: points.open_account(session, member_id=member_id, at=site.now()))
    request(site, member_id, "entry:first")
    for number in range(20):
        earn(site, member_id, f"order:{number}")
    worker = site.run("worker")
    site.wait(lambda: delivery_state(site, member_id) == "sending", "nothing was sent")
    site.kill(worker)
    assert scheduler.poll() is None

    site.run("worker")
    site.let_leases_run_out()

    site.wait(lambda: told(site, [member_id]) == 21, "events of the killed worker are lost")
    site.wait(lambda: nothing_waits(site), "events are left")
    assert site.value("SELECT count(*) FROM inbox_messages WHERE member_id = :id", id=member_id) == 21


def test_a_killed_queue_server_loses_nothing(site: Installation) -> None:
    member_ids = run(site.database, lambda session: [make_member(session).id for _ in range(5)])
    scheduler, worker = at_work(site)
    for number in range(40 * SIZE):
        earn(site, member_ids[number % 5], f"before:{number}")
        if number == 20:
            site.kill_valkey()
    for number in range(20 * SIZE):
        earn(site, member_ids[number % 5], f"during:{number}")

    site.start_valkey()
    site.let_leases_run_out()

    site.wait(lambda: told(site, member_ids) == 60 * SIZE, "events are lost")
    site.wait(lambda: nothing_waits(site), "events are left")
    assert (scheduler.poll(), worker.poll()) == (None, None)
    assert is_proved(site)


def test_a_database_restarted_under_load_loses_and_doubles_nothing(site: Installation) -> None:
    member_ids = run(site.database, lambda session: [make_member(session).id for _ in range(5)])
    scheduler, worker = at_work(site)

    with load(site, member_ids) as done:
        site.wait(lambda: len(done) > 50, "no load")
        site.postgres.stop()
        before = len(done)
        site.start_postgres()
        site.wait(lambda: len(done) > before + 50, "the load does not go on")

    site.let_leases_run_out()
    site.wait(lambda: told(site, member_ids) == len(done), "events are lost or doubled")
    site.wait(lambda: nothing_waits(site), "events are left")
    entries = site.value("SELECT count(*) FROM ledger_entries WHERE member_id = ANY(:ids)", ids=member_ids)
    assert entries == len(done)
    assert (scheduler.poll(), worker.poll()) == (None, None)
    assert is_proved(site)


@contextmanager
def load(site: Installation, member_ids: list[int]) -> Iterator[list[int]]:
    """Let members earn all the time until the block ends; yield the numbers of what was acknowledged."""
    stop, done = Event(), list[int]()

    def go_on() -> None:
        while not stop.is_set() and len(done) < 2000 * SIZE:
            try:
                earn(site, member_ids[len(done) % 5], f"order:{len(done)}")
            except Unavailable:
                stop.wait(0.05)  # and once more under the same reference
            else:
                done.append(len(done))

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(go_on)
        try:
            yield done
        finally:
            stop.set()
        loading.result(RECOVERY_SECONDS)


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_a_process_stops_cleanly_when_asked(site: Installation, command: str) -> None:
    process = site.run(command)
    site.wait(lambda: is_up(site, command), f"the {command} did not start")

    process.send_signal(signal.SIGTERM)

    site.wait(lambda: process.poll() is not None, f"the {command} does not stop", seconds=10)
    assert process.returncode == 0, site.logs()[-1500:]
    assert "Traceback" not in site.logs()


def at_work(site: Installation) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    """A scheduler and a worker that have come up, so that it is them whom an outage meets."""
    scheduler, worker = site.run("scheduler"), site.run("worker")
    site.wait(lambda: is_up(site, "scheduler") and is_up(site, "worker"), "scheduler or worker did not start")
    return scheduler, worker


def is_up(site: Installation, command: str) -> bool:
    if command == "worker":
        return bool(site.redis.smembers("rq:workers"))
    return site.has_logged("scheduler_started")


def is_proved(site: Installation) -> bool:
    proof = run(site.database, lambda session: points.verify(session, seal_key=SEAL_KEY, at=site.now()))
    return proof.is_green
