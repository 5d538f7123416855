"""Scans from pushes: each counts once, in whatever order the pushes come."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import handlers
from loyalty.arrivals.models import SceneEnrolment, SceneScan
from loyalty.channels.models import Scene
from loyalty.channels.service import store_push
from loyalty.container import Container
from loyalty.kernel.database import Database, Json
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.transaction import run
from loyalty.members.models import Identity
from tests.factories.members import make_identity, make_member, unused_openid
from tests.factories.scenes import make_scene
from tests.support.containers import null_container
from tests.support.events import recorded
from tests.support.races import at_once
from tests.support.settings import OA_APPID, VAULT

MINUTE = timedelta(minutes=1)


def deliver(session: Session, container: Container, *, times: int = 1) -> None:
    """Hand every stored push to its handlers."""
    for payload in recorded(session, "push.stored") * times:
        handlers.handle(container, OutboxEvent(id=0, kind="push.stored", payload=payload, attempts=1))


def push(session: Session, openid: str, event: str, key: str = "", *, at: datetime) -> Json:
    fields = {
        "FromUserName": openid, "CreateTime": str(int(at.timestamp())), "MsgType": "event", "Event": event,
        "EventKey": key,
    }  # fmt: skip
    store_push(session, VAULT, appid=OA_APPID, mode="plain", fields=fields, reply_text=None, at=at)
    return recorded(session, "push.stored")[-1]


def scans(session: Session) -> list[tuple[int, bool, bool]]:
    found = session.scalars(select(SceneScan).order_by(SceneScan.scanned_at).execution_options(populate_existing=True))
    return [(one.scene_id, one.is_follow, one.is_new_follower) for one in found]


def enrolled_by(session: Session) -> dict[int, int]:
    return {one.member_id: one.scene_id for one in session.scalars(select(SceneEnrolment))}


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session)


class TestScans:
    def test_a_push_counts_once_however_often_it_comes_and_is_handled(
        self, session: Session, container: Container, scene: Scene, at: datetime
    ) -> None:
        openid = unused_openid()
        for _ in range(3):
            push(session, openid, "subscribe", f"qrscene_{scene.key}", at=at)

        deliver(session, container, times=2)

        assert scans(session) == [(scene.id, True, True)]

    def test_a_scan_of_one_who_follows_counts_and_makes_no_new_follower(
        self, session: Session, container: Container, scene: Scene, at: datetime
    ) -> None:
        follower = make_identity(session, is_following=True)
        push(session, follower.openid, "SCAN", scene.key, at=at)
        push(session, follower.openid, "SCAN", scene.key, at=at + MINUTE)

        deliver(session, container)

        assert scans(session) == [(scene.id, False, False)] * 2

    def test_following_again_makes_no_new_follower(
        self, session: Session, container: Container, scene: Scene, at: datetime
    ) -> None:
        openid = unused_openid()
        push(session, openid, "subscribe", f"qrscene_{scene.key}", at=at)
        push(session, openid, "unsubscribe", at=at + MINUTE)
        push(session, openid, "subscribe", f"qrscene_{scene.key}", at=at + 2 * MINUTE)

        deliver(session, container)

        assert scans(session) == [(scene.id, True, True), (scene.id, True, False)]

    @pytest.mark.parametrize("first", ["subscribe", "SCAN"])
    def test_the_earliest_push_decides_who_is_new_even_when_it_comes_last(
        self, session: Session, container: Container, scene: Scene, at: datetime, first: str
    ) -> None:
        openid, earlier = unused_openid(), make_scene(session)
        push(session, openid, "subscribe", f"qrscene_{scene.key}", at=at + MINUTE)
        push(session, openid, first, earlier.key, at=at)

        deliver(session, container)

        is_follow = first == "subscribe"
        assert scans(session) == [(earlier.id, is_follow, is_follow), (scene.id, True, False)]

    def test_a_follow_without_a_code_that_comes_late_was_the_first_all_the_same(
        self, session: Session, container: Container, scene: Scene, at: datetime
    ) -> None:
        openid = unused_openid()
        push(session, openid, "subscribe", f"qrscene_{scene.key}", at=at + MINUTE)
        push(session, openid, "subscribe", at=at)

        deliver(session, container)

        assert scans(session) == [(scene.id, True, False)]

    def test_strings_that_are_not_ours_count_for_no_code(
        self, session: Session, container: Container, scene: Scene, at: datetime
    ) -> None:
        push(session, unused_openid(), "subscribe", "qrscene_of-somebody-else", at=at)
        push(session, unused_openid(), "SCAN", "of-somebody-else", at=at)
        push(session, unused_openid(), "CLICK", scene.key, at=at)

        deliver(session, container)

        assert scans(session) == []


class TestEnrolments:
    def enrol(self, session: Session, container: Container, *identities: Identity, at: datetime) -> int:
        member = make_member(session, enrolled_at=at)
        for identity in identities:
            identity.member_id = member.id
        session.flush()
        payload = {"member_id": member.id, "identity_id": identities[0].id, "store_id": None}
        for kind in ("member.enrolled", "member.joined"):
            handlers.handle(container, OutboxEvent(id=0, kind=kind, payload=payload, attempts=1))
        return member.id

    def test_count_for_the_code_scanned_last_before_by_any_identity(
        self, session: Session, container: Container, scene: Scene, at: datetime
    ) -> None:
        one, other, later = make_identity(session), make_identity(session), make_scene(session)
        push(session, one.openid, "SCAN", scene.key, at=at - 3 * MINUTE)
        push(session, other.openid, "SCAN", later.key, at=at - MINUTE)
        push(session, one.openid, "SCAN", scene.key, at=at + MINUTE)
        deliver(session, container)

        member_id = self.enrol(session, container, one, other, at=at)

        assert enrolled_by(session) == {member_id: later.id}

    def test_count_for_no_code_that_was_scanned_long_ago_or_afterwards(
        self, session: Session, container: Container, scene: Scene, at: datetime
    ) -> None:
        person = make_identity(session)
        push(session, person.openid, "SCAN", scene.key, at=at - timedelta(days=31))
        push(session, person.openid, "SCAN", scene.key, at=at + MINUTE)
        deliver(session, container)

        self.enrol(session, container, person, at=at)

        assert enrolled_by(session) == {}

    def test_are_counted_when_the_scan_is_heard_of_only_afterwards(
        self, session: Session, container: Container, scene: Scene, at: datetime
    ) -> None:
        person, later = make_identity(session), make_scene(session)
        member_id = self.enrol(session, container, person, at=at)
        push(session, person.openid, "SCAN", later.key, at=at - MINUTE)
        push(session, person.openid, "SCAN", scene.key, at=at - 2 * MINUTE)

        deliver(session, container, times=2)

        assert enrolled_by(session) == {member_id: later.id}


def test_a_push_handled_by_three_workers_at_once_counts_once(
    committed_database: Database, redis_url: str, at: datetime
) -> None:
    container = null_container(committed_database, redis_url=redis_url, at=at)
    openid = unused_openid()
    scene = run(committed_database, lambda session: make_scene(session, key=f"race-{openid}"))
    payload = run(committed_database, lambda session: push(session, openid, "subscribe", f"qrscene_{scene.key}", at=at))
    event = OutboxEvent(id=0, kind="push.stored", payload=payload, attempts=1)

    at_once([lambda: handlers.handle(container, event)] * 3)

    mine = select(SceneScan.is_new_follower).where(SceneScan.scene_id == scene.id)
    assert run(committed_database, lambda session: session.scalars(mine).all()) == [True]
