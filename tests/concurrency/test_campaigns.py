"""Races of campaigns: visits and a run for the last of a budget, events and visits at once, a pause, a merge."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import Campaign, CampaignEntry, CampaignRevision, CampaignTaking
from loyalty.campaigns.queries.campaigns import terms_of
from loyalty.campaigns.rules.documents import dump
from loyalty.campaigns.rules.taking_part import CampaignPaused, CampaignUsedUp
from loyalty.campaigns.rules.terms import CampaignEvent, Caps, GivePoints, Now, OnEvent, Terms, Visit
from loyalty.campaigns.rules.works import Work
from loyalty.campaigns.service import life, undoing
from loyalty.campaigns.service.triggers import note_event, take_part
from loyalty.kernel import bulk
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.limits.models import LimitCounter
from loyalty.merging.service import merge
from loyalty.points.models import LedgerEntry
from tests.factories.campaign_runs import do_pages, entered, make_entrance, put_in_force
from tests.factories.campaigns import CHECKER, SHANGHAI, campaign_of, tag_with
from tests.factories.members import make_member
from tests.support.containers import NullContainer, null_container
from tests.support.races import at_once, beside
from tests.support.settings import VAULT

ACTIONS = (GivePoints(10, 30),)


@pytest.fixture
def container(committed_database: Database, redis_url: str, at: datetime) -> NullContainer:
    return null_container(committed_database, redis_url=redis_url, at=at)


def made(container: NullContainer, count: int, **changes: object) -> tuple[int, int, list[int]]:
    """A campaign for members of its own, and its entrance."""

    def make(session: Session) -> tuple[int, int, list[int]]:
        members = [make_member(session, phone=None).id for _ in range(count)]
        terms: Terms = campaign_of(tag_with(session, *members), **{"actions": ACTIONS, **changes})
        campaign_id = put_in_force(session, terms, at=container.clock.now())
        return campaign_id, make_entrance(session, campaign_id, at=container.clock.now()), members

    return run(container.database, make)


def come(container: NullContainer, campaign_id: int, entrance_id: int, member_id: int) -> int:
    at = container.clock.now()
    return run(
        container.database,
        lambda session: take_part(
            session, vault=VAULT, campaign_id=campaign_id, member_id=member_id, entrance_id=entrance_id,
            at=at, zone=SHANGHAI,
        ),
    ).points  # fmt: skip


def books(container: NullContainer, campaign_id: int) -> tuple[int, int]:
    """What was given, and what the budget says."""

    def read(session: Session) -> tuple[int, int]:
        given = select(func.sum(LedgerEntry.points)).where(LedgerEntry.reference.startswith(f"campaign:{campaign_id}:"))
        used = select(func.sum(LimitCounter.used)).where(LimitCounter.subject == f"campaign_points:{campaign_id}")
        return int(session.scalar(given) or 0), int(session.scalar(used) or 0)

    return run(container.database, read)


def test_visits_and_pages_of_a_run_spend_one_budget_exactly(
    container: NullContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The campaign is turned into one by visits while its run is under way, as a revision might."""
    monkeypatch.setattr("loyalty.campaigns.service.acting.PAGE_ROWS", 5)
    campaign_id, entrance_id, members = made(container, 48, trigger=Now(), caps=Caps(points=305))
    entered(container)
    visitors = members[24:]

    def become_visits(session: Session) -> None:

        campaign = session.get_one(Campaign, campaign_id)
        assert campaign.revision_id is not None
        terms = replace(terms_of(session, revision_id=campaign.revision_id), trigger=Visit())
        terms = replace(terms, caps=replace(terms.caps, times_a_member=2))
        revision = CampaignRevision(
            campaign_id=campaign_id, number=2, terms=dump(terms), created_by="staff:7",
            created_at=container.clock.now(), published_by="staff:8", published_at=container.clock.now(),
        )  # fmt: skip
        session.add(revision)
        session.flush()
        campaign.revision_id = revision.id

    run(container.database, become_visits)
    (act_id,) = (
        one
        for one in run(container.database, bulk.list_running)
        if run(container.database, lambda session, one=one: bulk.get_run(session, run_id=one)).kind == Work.ACT  # type: ignore[misc]
    )

    calls: list[Callable[[], object]] = [
        partial(do_pages, container, act_id, Work.ACT),
        *(partial(come, container, campaign_id, entrance_id, one) for one in visitors),
    ]
    results = at_once(calls)

    assert {type(one) for one in results} <= {type(None), int, CampaignUsedUp}
    assert books(container, campaign_id) == (300, 300)


def test_a_double_tap_takes_part_once(container: NullContainer) -> None:
    campaign_id, entrance_id, (member_id,) = made(container, 1, trigger=Visit(), caps=Caps(times_a_member=5))

    results = at_once([partial(come, container, campaign_id, entrance_id, member_id)] * 8)

    assert sorted(type(one).__name__ for one in results) == ["CampaignTakenAlready"] * 7 + ["int"]
    assert books(container, campaign_id) == (10, 10)


def test_an_event_that_is_told_at_once_by_many_enters_once(container: NullContainer) -> None:
    trigger = OnEvent(CampaignEvent.CHECKED_IN)
    campaign_id, _entrance_id, (member_id,) = made(container, 1, trigger=trigger, caps=Caps(times_a_member=5))
    at = container.clock.now()

    def note() -> int:
        return run(
            container.database,
            lambda session: note_event(
                session, vault=VAULT, event=CampaignEvent.CHECKED_IN, member_id=member_id, key="day",
                occurred_at=at, at=at, zone=SHANGHAI,
            ),
        )  # fmt: skip

    assert sum(one for one in at_once([note] * 6) if isinstance(one, int)) == 1
    mine = select(func.count()).select_from(CampaignEntry).where(CampaignEntry.campaign_id == campaign_id)
    assert run(container.database, lambda session: session.scalar(mine)) == 1


def test_nothing_is_given_once_a_pause_is_committed(container: NullContainer) -> None:
    campaign_id, entrance_id, (member_id,) = made(container, 1, trigger=Visit())
    at = container.clock.now()

    def visit(session: Session) -> str:
        try:
            take_part(
                session, vault=VAULT, campaign_id=campaign_id, member_id=member_id, entrance_id=entrance_id,
                at=at, zone=SHANGHAI,
            )  # fmt: skip
        except CampaignPaused:
            return "paused"
        return "given"

    pause = partial(life.pause, campaign_id=campaign_id, actor=CHECKER, at=at)

    assert beside(container.database, lambda session: pause(session), visit) == "paused"


def test_undoing_finds_what_a_merge_moves_meanwhile(container: NullContainer) -> None:
    campaign_id, entrance_id, (survivor, other) = made(container, 2, trigger=Visit())
    at = container.clock.now()
    come(container, campaign_id, entrance_id, other)

    def begin(session: Session) -> int:
        life.end(session, campaign_id=campaign_id, actor=CHECKER, at=at)
        return undoing.undo(session, campaign_id=campaign_id, actor=CHECKER, at=at)

    undo_id = run(container.database, begin)
    page = partial(undoing.undo_page, zone=SHANGHAI, at=at)

    beside(
        container.database,
        lambda session: merge(session, survivor_id=survivor, other_id=other, actor=CHECKER, at=at),
        lambda session: bulk.work_page(session, run_id=undo_id, page=page, at=at),
    )

    mine = select(CampaignTaking.taken, CampaignTaking.used).where(CampaignTaking.campaign_id == campaign_id)
    assert run(container.database, lambda session: session.execute(mine).all()) == [(10, 0)]
