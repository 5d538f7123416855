"""Rules changed by several people at once, with real commits."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from loyalty.earning.queries import get_rule, live_revisions
from loyalty.earning.rules import Conditions, Definition, EarningEvent, Fixed
from loyalty.earning.rules.errors import EarningRuleNotRunning
from loyalty.earning.service.rules import end, publish, save_draft
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from tests.factories.earning import ACTOR, make_rule
from tests.support.races import at_once

KIND = Conditions(custom_kind="raced_for")
"""No other test reports such an event: what is committed here pays nobody."""
RULE = Definition(event=EarningEvent.CUSTOM, points=Fixed(1), conditions=KIND)
RACERS = 8


def test_revisions_published_at_once_follow_one_another_and_never_overlap(
    committed_database: Database, at: datetime
) -> None:
    rule_id = run(committed_database, lambda session: make_rule(session, RULE, at=at - timedelta(days=1)))

    def change(session: Session, racer: int) -> int:
        definition = replace(RULE, points=Fixed(racer))
        when = at + timedelta(seconds=racer)
        save_draft(
            session,
            rule_id=rule_id,
            name="抢着改",
            definition=definition,
            starts_at=None,
            ends_at=None,
            actor=ACTOR,
            at=when,
        )
        return publish(session, rule_id=rule_id, actor=ACTOR, at=when)

    published = at_once(
        [partial(run, committed_database, partial(change, racer=racer)) for racer in range(1, RACERS + 1)]
    )

    late = at + timedelta(hours=1)
    rule = run(committed_database, lambda session: get_rule(session, rule_id=rule_id, at=late))
    windows = sorted((one.starts_at, one.ends_at) for one in rule.revisions if one.ends_at and one.starts_at)
    assert len({one for one in published if isinstance(one, int)}) == RACERS
    assert [one.number for one in rule.revisions] == list(range(RACERS + 1, 0, -1))
    assert len([one for one in rule.revisions if one.ends_at is None]) == 1
    real = [(starts_at, ends_at) for starts_at, ends_at in windows if starts_at != ends_at]
    assert all(before[1] <= after[0] for before, after in zip(real, real[1:], strict=False))
    live = run(
        committed_database,
        lambda session: live_revisions(session, event=EarningEvent.CUSTOM, at=late, store_id=None),
    )
    assert [one.rule_id for one in live].count(rule_id) == 1


def test_of_those_who_end_a_rule_at_once_one_does(committed_database: Database, at: datetime) -> None:
    rule_id = run(committed_database, lambda session: make_rule(session, RULE, at=at - timedelta(days=1)))
    ending = partial(end, rule_id=rule_id, actor=ACTOR, at=at)

    outcomes = at_once([lambda: run(committed_database, lambda session: ending(session)) for _ in range(RACERS)])

    assert [outcome for outcome in outcomes if outcome is None] == [None]
    assert sum(isinstance(outcome, EarningRuleNotRunning) for outcome in outcomes) == RACERS - 1
