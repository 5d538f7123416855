"""Two people act on a campaign at the same moment: one is too late, and nothing happens twice."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import get_campaign, list_revisions
from loyalty.campaigns.rules.errors import CampaignNotInState, CampaignNotWaiting, CampaignWaiting
from loyalty.campaigns.rules.terms import At, CampaignState, Sleeping, Visit
from loyalty.campaigns.service.drafting import save_draft
from loyalty.campaigns.service.life import end, pause, resume, submit
from loyalty.kernel.audit import Actor, list_entries
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from tests.factories.campaigns import (
    MAKER,
    SHANGHAI,
    campaign_of,
    draft_campaign,
    launch,
    make_campaign,
    rule_on,
    submit_campaign,
)
from tests.support.races import at_once, beside
from tests.support.settings import VAULT

AT = datetime(2026, 3, 10, 2, tzinfo=UTC)
DAY = timedelta(days=1)
OTHERS = [Actor(f"staff:{number}") for number in range(20, 28)]


@pytest.fixture
def campaign_id(committed_database: Database) -> Iterator[int]:
    """A campaign for nobody that was drafted; whatever became of it, it runs no longer after the test."""
    made = run(committed_database, lambda session: draft_campaign(session, at=AT, trigger=Visit()))
    yield made

    def stop(session: Session) -> None:
        view = get_campaign(session, campaign_id=made)
        if view.revision is not None:
            end(session, campaign_id=made, actor=MAKER, at=AT)

    run(committed_database, stop)


def all_at_once(database: Database, act: Callable[[Session, Actor], object]) -> list[object]:
    def call(actor: Actor) -> object:
        return run(database, lambda session: act(session, actor))

    return list(at_once([partial(call, actor) for actor in OTHERS]))


def acts(database: Database, campaign_id: int, action: str) -> int:
    return run(database, lambda session: len(list_entries(session, subject=f"campaign:{campaign_id}", action=action)))


def test_of_those_who_submit_at_once_one_does(committed_database: Database, campaign_id: int) -> None:
    results = all_at_once(
        committed_database,
        lambda session, actor: submit(session, campaign_id=campaign_id, actor=actor, vault=VAULT, zone=SHANGHAI, at=AT),
    )

    assert sum(isinstance(one, CampaignWaiting) for one in results) == len(OTHERS) - 1
    assert acts(committed_database, campaign_id, "approvals.request") == 1


def test_of_those_who_decide_at_once_one_does(committed_database: Database, campaign_id: int) -> None:
    run(committed_database, lambda session: submit_campaign(session, campaign_id, at=AT))

    def rule(session: Session, actor: Actor) -> CampaignState:
        is_approved = int(actor.name.removeprefix("staff:")) % 2 == 0
        return rule_on(session, campaign_id, is_approved=is_approved, actor=actor, at=AT)

    results = all_at_once(committed_database, rule)

    decided = [one for one in results if isinstance(one, CampaignState)]
    assert sum(isinstance(one, CampaignNotWaiting) for one in results) == len(OTHERS) - 1
    view = run(committed_database, lambda session: get_campaign(session, campaign_id=campaign_id))
    assert decided == [view.state]
    assert (view.revision is not None) == (view.state is CampaignState.RUNNING)


def test_of_those_who_pause_at_once_one_does(committed_database: Database, campaign_id: int) -> None:
    run(committed_database, lambda session: submit_campaign(session, campaign_id, at=AT))
    run(committed_database, lambda session: rule_on(session, campaign_id, actor=OTHERS[0], at=AT))

    results = all_at_once(
        committed_database, lambda session, actor: pause(session, campaign_id=campaign_id, actor=actor, at=AT)
    )

    assert sum(isinstance(one, CampaignNotInState) for one in results) == len(OTHERS) - 1
    assert acts(committed_database, campaign_id, "campaigns.pause") == 1


def test_those_who_draft_at_once_leave_one_draft_with_the_next_number(committed_database: Database) -> None:
    campaign_id = run(committed_database, lambda session: make_campaign(session, at=AT, trigger=Sleeping(30)))

    all_at_once(
        committed_database,
        lambda session, actor: save_draft(
            session, campaign_id=campaign_id, terms=campaign_of(trigger=Sleeping(60)), actor=actor, zone=SHANGHAI, at=AT
        ),
    )

    view = run(committed_database, lambda session: get_campaign(session, campaign_id=campaign_id))
    assert view.draft is not None
    assert view.draft.number == 2
    assert len(run(committed_database, lambda session: list_revisions(session, campaign_id=campaign_id))) == 1
    run(committed_database, lambda session: end(session, campaign_id=campaign_id, actor=MAKER, at=AT))


def test_who_goes_on_while_another_puts_it_off_goes_by_what_is_in_force_then(committed_database: Database) -> None:
    campaign_id = run(committed_database, lambda session: make_campaign(session, at=AT, trigger=At(AT + DAY)))
    run(committed_database, lambda session: pause(session, campaign_id=campaign_id, actor=MAKER, at=AT))

    def put_off(session: Session) -> None:
        later = campaign_of(trigger=At(AT + 9 * DAY))
        save_draft(session, campaign_id=campaign_id, terms=later, actor=MAKER, zone=SHANGHAI, at=AT)
        launch(session, campaign_id, at=AT)

    def go_on(session: Session) -> CampaignState:
        return resume(session, campaign_id=campaign_id, actor=MAKER, at=AT + 2 * DAY)

    assert beside(committed_database, put_off, go_on) is CampaignState.SCHEDULED
    run(committed_database, lambda session: end(session, campaign_id=campaign_id, actor=MAKER, at=AT))
