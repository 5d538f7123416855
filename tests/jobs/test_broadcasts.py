"""Broadcasts in the worker: slices, what is carried on, and what pushes of WeChat bring about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import broadcasts as jobs
from jobs import queues
from jobs.upkeep import purge_leftovers
from loyalty.broadcasts import service
from loyalty.broadcasts.models import Attempt, Recipient
from loyalty.broadcasts.queries import progress
from loyalty.broadcasts.rules.channels import Channel
from loyalty.channels import service as channels
from loyalty.kernel import runs
from loyalty.kernel.transaction import run
from loyalty.members.models import Identity
from loyalty.members.queries import wants
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.models import CustomerWindow
from tests.factories.broadcasts import ACTOR, make_broadcast, make_grant, map_template
from tests.factories.members import make_identity, make_member
from tests.support.containers import NullContainer, StandingClock
from tests.support.events import recorded
from tests.support.handling import handle_twice, perform
from tests.support.settings import MP_APPID, OA_APPID


def waiting(redis: Redis) -> Sequence[Any]:
    return [job.args for job in queues.queue(queues.DEFAULT, connection=redis).jobs]


def push(container: NullContainer, session: Session, at: datetime, identity: Identity, **fields: object) -> None:
    told = {"FromUserName": identity.openid, "CreateTime": int(at.timestamp()), "MsgType": "event"} | fields
    channels.store_push(
        session, container.vault, appid=identity.appid, mode="safe", fields=told, reply_text=None, at=at
    )
    handle_twice(container, "push.stored", recorded(session, "push.stored")[-1])


@pytest.fixture
def people(session: Session, at: datetime) -> list[Identity]:
    map_template(session, at=at)
    minis = [
        make_identity(session, member=make_member(session), kind=IdentityKind.MINI_PROGRAM) for _ in range(3)
    ]  # fmt: skip
    for mini in minis:
        make_grant(session, mini, at=at)
    return minis


@pytest.fixture
def broadcast_id(session: Session, people: list[Identity], at: datetime) -> int:
    return make_broadcast(session, [mini.member_id or 0 for mini in people], at=at)


def test_a_worker_sends_what_is_due_and_leaves_nothing_in_the_queue(
    jobs_container: NullContainer, redis: Redis, session: Session, broadcast_id: int
) -> None:
    jobs.perform(0)

    assert len(jobs_container.mp.sent) == 3
    assert progress(session, broadcast_id).percent == 100
    assert waiting(redis) == []


def test_members_who_are_added_wake_a_worker_once(
    jobs_container: NullContainer, redis: Redis, session: Session, broadcast_id: int
) -> None:
    (payload,) = recorded(session, "broadcast.wanted")

    handle_twice(jobs_container, "broadcast.wanted", payload)

    assert waiting(redis) == [[0]]


def test_a_worker_lets_others_go_first_when_its_time_is_up(
    jobs_container: NullContainer, redis: Redis, broadcast_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr("loyalty.broadcasts.service.sending.GROUP", 1)

    jobs.perform(0)

    assert len(jobs_container.mp.sent) == 1
    assert waiting(redis) == [[1]]


def test_two_workers_never_send_at_the_same_time(jobs_container: NullContainer, broadcast_id: int) -> None:
    run(
        jobs_container.database,
        lambda session: runs.hold_lease(session, name=jobs.LEASE, holder="another", seconds=60),
    )

    jobs.perform(0)

    assert jobs_container.mp.sent == []


def test_the_night_is_slept_through_and_the_morning_carries_on(
    jobs_container: NullContainer, redis: Redis, clock: StandingClock, broadcast_id: int
) -> None:
    clock.advance(hours=14)
    jobs.perform(0)
    assert jobs_container.mp.sent == []
    assert waiting(redis) == [], "it would spin all night"

    clock.advance(hours=8)
    assert perform(jobs_container, jobs.carry_on) == {"broadcasts": 1, "given_up": 0}
    jobs.perform(0)

    assert len(jobs_container.mp.sent) == 3


def test_pushes_that_report_close_attempts_once(
    jobs_container: NullContainer, session: Session, at: datetime, people: list[Identity], broadcast_id: int
) -> None:
    jobs.perform(0)
    numbers = {one.identity_id: one.provider_message_id for one in session.scalars(select(Attempt))}
    good, bad = people[0], people[1]
    for mini, code in ((good, "0"), (bad, "43101"), (good, "43101")):
        item = {"TemplateId": "t", "MsgID": numbers[mini.id], "ErrorCode": code, "ErrorStatus": "told"}
        event = {"Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": [item]}}
        push(jobs_container, session, at, mini, **event)
    jobs.perform(0)

    session.expire_all()
    states = {one.identity_id: one.state for one in session.scalars(select(Attempt))}
    assert (states[good.id], states[bad.id]) == ("delivered", "failed")
    told = progress(session, broadcast_id)
    assert (told.delivered, told.sent) == (1, {Channel.SUBSCRIPTION: 2})
    assert session.scalar(select(Recipient.reason).where(Recipient.member_id == bad.member_id)) == "not_sent"
    assert len(jobs_container.mp.sent) == 3


def test_who_writes_opens_a_window_and_who_writes_td_gets_no_more_marketing(
    jobs_container: NullContainer, session: Session, at: datetime
) -> None:
    official = make_identity(session, member=make_member(session), is_following=True)
    assert official.member_id is not None

    push(jobs_container, session, at, official, MsgType="text", Content="几点关门", MsgId="1")
    assert wants(session, member_id=official.member_id, kind="campaign")
    push(jobs_container, session, at, official, MsgType="text", Content=" ＴＤ ", MsgId="2")

    assert not wants(session, member_id=official.member_id, kind="campaign")
    (window,) = session.scalars(select(CustomerWindow))
    assert (window.identity_id, window.act, window.remaining) == (official.id, "wrote", 5)
    assert window.expires_at == at + timedelta(hours=48)


@pytest.mark.parametrize(
    ("event", "appid", "count"),
    [("subscribe", OA_APPID, 3), ("SCAN", OA_APPID, 3), ("CLICK", OA_APPID, 3), ("VIEW", OA_APPID, 0),
     ("user_enter_tempsession", MP_APPID, 2)],
)  # fmt: skip
def test_acts_open_windows_by_the_platform_s_table(
    jobs_container: NullContainer, session: Session, at: datetime, event: str, appid: str, count: int
) -> None:
    kind = IdentityKind.MINI_PROGRAM if appid == MP_APPID else IdentityKind.OFFICIAL_ACCOUNT
    identity = make_identity(session, kind=kind)

    push(jobs_container, session, at, identity, Event=event, EventKey="k")

    windows = session.scalars(select(CustomerWindow)).all()
    assert [window.remaining for window in windows] == ([count] if count else [])
    assert all(window.expires_at == at + timedelta(minutes=1) for window in windows)


def test_windows_that_have_closed_are_cleared_away(
    jobs_container: NullContainer, session: Session, clock: StandingClock, at: datetime
) -> None:
    identity = make_identity(session)
    push(jobs_container, session, at, identity, Event="subscribe")
    clock.advance(minutes=2)

    assert perform(jobs_container, purge_leftovers)["windows"] == 1


def test_a_stopped_broadcast_is_not_carried_on(
    jobs_container: NullContainer, session: Session, at: datetime, broadcast_id: int
) -> None:
    service.stop(session, broadcast_id=broadcast_id, actor=ACTOR, at=at)

    assert perform(jobs_container, jobs.carry_on)["broadcasts"] == 0
