"""The programme: linted, drafted, published with the warning where an opening alone is paid, never changed."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.kernel import audit
from loyalty.referrals.queries.programmes import current_programme, find_draft, list_programmes
from loyalty.referrals.rules.documents import from_json, to_json
from loyalty.referrals.rules.programme import (
    WARNING_VERSION,
    Caps,
    InvalidReferralProgramme,
    NoReferralProgrammeDraft,
    OpeningNotAcknowledged,
    OpeningReward,
    Programme,
    Purchase,
    Reward,
)
from loyalty.referrals.service.programmes import discard_draft, publish, save_draft
from tests.factories.referrals import ACTOR, programme_of


def save(session: Session, at: datetime, **changes: object) -> int:
    return save_draft(session, programme=programme_of(**changes), actor=ACTOR, at=at)


FULL = programme_of(
    purchase=Purchase(1_000, 7), caps=Caps(1, 2, 3), opening=OpeningReward(1, 2, 3), referee=Reward(1, 7), is_open=False
)


@pytest.mark.parametrize("programme", [programme_of(), FULL])
def test_a_programme_survives_being_stored(programme: Programme) -> None:
    assert from_json(to_json(programme)) == programme


def test_a_published_revision_never_changes_and_the_next_draft_is_beside_it(session: Session, at: datetime) -> None:
    first_id = save(session, at)
    assert save(session, at, title="再邀一位") == first_id
    assert publish(session, actor=ACTOR, at=at) == first_id

    second_id = save(session, at, wait_hours=0)
    current = current_programme(session)

    assert current is not None
    assert (current.id, current.programme.title, current.programme.wait_hours) == (first_id, "再邀一位", 24)
    publish(session, actor=ACTOR, at=at + timedelta(seconds=1))
    assert [view.id for view in list_programmes(session)] == [second_id, first_id]
    assert audit.list_entries(session, action="referrals.publish")[0].after == to_json(programme_of(wait_hours=0)) | {
        "acknowledged_text": None
    }
    with pytest.raises(DBAPIError, match="is published"):
        session.execute(text("UPDATE referral_programmes SET definition = '{}'"))


def test_a_draft_can_be_thrown_away_and_nothing_is_published_then(session: Session, at: datetime) -> None:
    save(session, at)
    discard_draft(session, actor=ACTOR, at=at)

    assert find_draft(session) is None
    with pytest.raises(NoReferralProgrammeDraft):
        publish(session, actor=ACTOR, at=at)
    with pytest.raises(NoReferralProgrammeDraft):
        discard_draft(session, actor=ACTOR, at=at)


def test_what_was_saved_last_is_published(session: Session, at: datetime) -> None:
    save(session, at, title="第一稿")
    assert find_draft(session) is not None
    save(session, at, title="第二稿")

    publish(session, actor=ACTOR, at=at)

    current = current_programme(session)
    assert current is not None
    assert current.programme.title == "第二稿"


@pytest.mark.parametrize("acknowledged", [None, "", "2020-01"])
def test_paying_for_an_opening_alone_needs_the_warning_in_force_to_be_agreed_to(
    session: Session, at: datetime, acknowledged: str | None
) -> None:
    save(session, at, opening=OpeningReward(points=1, per_day=5))

    with pytest.raises(OpeningNotAcknowledged):
        publish(session, acknowledged_text=acknowledged, actor=ACTOR, at=at)

    publish(session, acknowledged_text=WARNING_VERSION, actor=ACTOR, at=at)
    current = current_programme(session)
    assert current is not None
    assert (current.published_by, current.published_at, current.acknowledged_text) == (ACTOR.name, at, WARNING_VERSION)


@pytest.mark.parametrize("field", ["title", "description", "share_title"])
@pytest.mark.parametrize("luring", ["分享领积分", "转发即送", "先关注再入会"])
def test_texts_that_lure_are_refused(session: Session, at: datetime, field: str, luring: str) -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        save(session, at, **{field: luring})


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"description": "a\0b"},
        {"referrer": Reward(-1)},
        {"referee": Reward(coupon_template_id=987_654_321)},
        {"caps": Caps(per_day=0)},
        {"purchase": Purchase(minimum_fen=0)},
        {"opening": OpeningReward(0, 1)},
        {"opening": OpeningReward(1, 2, 1)},
        {"opening": OpeningReward(1, 1, 1_000_001)},
        {"attribution_days": 366},
        {"wait_hours": -1},
    ],
)
def test_what_could_not_be_paid_is_refused(session: Session, at: datetime, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidReferralProgramme):
        save(session, at, **changes)


@pytest.mark.parametrize(
    "document", [None, [], {}, {"title": 1}, to_json(FULL) | {"more": 1}, to_json(FULL) | {"opening": {"points": 1}}]
)
def test_what_is_no_programme_is_refused(document: object) -> None:
    with pytest.raises(InvalidReferralProgramme):
        from_json(document)
