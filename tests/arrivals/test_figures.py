"""What codes brought: by code, by store and by day, in the business dates of the programme."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.arrivals import queries
from loyalty.arrivals.models import SceneEnrolment, SceneScan
from loyalty.arrivals.queries import Figures, SceneFilter, Span
from loyalty.channels.models import Scene
from loyalty.members.models import Identity
from tests.factories.members import make_identity, make_member
from tests.factories.scenes import make_scene
from tests.factories.stores import make_store

ZONE = ZoneInfo("Asia/Shanghai")
LATE = datetime(2026, 3, 9, 15, 59, tzinfo=UTC)
"""A minute before midnight of 9 March in Shanghai."""
MINUTE = timedelta(minutes=1)
BOTH_DAYS = Span(datetime(2026, 3, 8, 16, tzinfo=UTC), datetime(2026, 3, 10, 16, tzinfo=UTC))
_pushes = count(10_000_000)


def scan(session: Session, scene: Scene, identity: Identity, at: datetime, *, is_new: bool = False) -> None:
    session.add(
        SceneScan(
            push_id=next(_pushes), scene_id=scene.id, identity_id=identity.id, is_follow=is_new,
            is_new_follower=is_new, scanned_at=at,
        )
    )  # fmt: skip


@pytest.fixture
def of_store(session: Session) -> Scene:
    return make_scene(session, store_id=make_store(session).id)


@pytest.fixture
def poster(session: Session) -> Scene:
    return make_scene(session, label="100%海报")


@pytest.fixture(autouse=True)
def arrivals(session: Session, of_store: Scene, poster: Scene) -> None:
    one, other = make_identity(session), make_identity(session)
    scan(session, of_store, one, LATE, is_new=True)
    scan(session, of_store, one, LATE + MINUTE)
    scan(session, poster, other, LATE + MINUTE)
    member = make_member(session, enrolled_at=LATE + 2 * MINUTE)
    enrolled = {"member_id": member.id, "scanned_at": LATE, "enrolled_at": LATE + 2 * MINUTE}
    session.add(SceneEnrolment(scene_id=of_store.id, **enrolled))
    session.flush()


def test_codes_are_listed_with_what_each_brought(session: Session, of_store: Scene, poster: Scene) -> None:
    idle = make_scene(session)

    page = queries.list_scenes(session, SceneFilter(), span=BOTH_DAYS)

    assert [(one.scene.id, one.figures) for one in page.items] == [
        (idle.id, Figures()),
        (poster.id, Figures(scans=1, people=1)),
        (of_store.id, Figures(scans=2, people=1, new_followers=1, enrolled=1)),
    ]


def test_pages_follow_one_another(session: Session, of_store: Scene, poster: Scene) -> None:
    first = queries.list_scenes(session, SceneFilter(), span=BOTH_DAYS, limit=1)
    second = queries.list_scenes(session, SceneFilter(), span=BOTH_DAYS, limit=1, cursor=first.next_cursor)

    assert [one.scene.id for one in (*first.items, *second.items)] == [poster.id, of_store.id]
    assert second.next_cursor is None


def test_days_are_business_dates_and_an_enrolment_counts_on_its_own(session: Session) -> None:
    days = [date(2026, 3, 9), date(2026, 3, 10)]

    found = queries.by_day(session, SceneFilter(), days=days, span=BOTH_DAYS, zone=ZONE)

    assert found == {
        days[0]: Figures(scans=1, people=1, new_followers=1),
        days[1]: Figures(scans=2, people=2, enrolled=1),
    }


def test_the_total_counts_a_person_once_and_takes_only_these_instants(session: Session) -> None:
    until_midnight = Span(BOTH_DAYS.since, LATE + MINUTE)

    assert queries.total(session, SceneFilter(), span=BOTH_DAYS) == Figures(3, 2, 1, 1)
    assert queries.total(session, SceneFilter(), span=until_midnight) == Figures(1, 1, 1, 0)


def test_stores_are_counted_by_all_their_codes(session: Session, of_store: Scene) -> None:
    second = make_scene(session, store_id=of_store.subject_id)
    scan(session, second, make_identity(session), LATE)
    session.flush()

    assert queries.by_store(session, SceneFilter(), span=BOTH_DAYS) == {of_store.subject_id: Figures(3, 2, 1, 1)}


@pytest.mark.parametrize(
    ("chosen", "scans"),
    [
        (SceneFilter(kind="poster"), 1),
        (SceneFilter(hidden_kinds=("poster",)), 2),
        (SceneFilter(text="0%海"), 1),
        (SceneFilter(text="_"), 0),
        (SceneFilter(store_ids=[]), 0),
    ],
)
def test_only_what_is_meant_counts(session: Session, chosen: SceneFilter, scans: int) -> None:
    assert queries.total(session, chosen, span=BOTH_DAYS).scans == scans


def test_who_sees_some_stores_sees_no_posters(session: Session, of_store: Scene) -> None:
    seen = SceneFilter(store_ids=[of_store.subject_id])

    assert queries.total(session, seen, span=BOTH_DAYS).scans == 2
    assert queries.total(session, SceneFilter(store_ids=[0]), span=BOTH_DAYS).scans == 0
