"""Campaigns in the mini program: opened by a link, taken part in once."""

from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntry, CampaignVisit
from tests.factories.campaign_results import RunningCampaign
from tests.factories.coupons import make_template
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.statements import StatementCounter

KEY = "4f1c2a9e7b"


@pytest.fixture
def path(session: Session, at: datetime) -> str:
    campaign = RunningCampaign(session, make_template(session), holdout_percent=0, at=at)
    path = f"/campaigns/{campaign.entrance().token}"
    session.commit()
    return path


def test_a_member_takes_part_once_and_is_answered_the_same_again(
    mini_program: MiniProgram, session: Session, path: str
) -> None:
    offer = mini_program.get(path).json
    assert offer is not None
    assert (offer["gains"][0], offer["can_take_part"], offer["taken"]) == ("100 积分", True, None)

    first, again = (mini_program.post(path, key=KEY) for _ in range(2))

    assert first.status_code == 200
    assert first.json == again.json
    assert first.json is not None
    assert (first.json["points"], len(first.json["coupon_ids"])) == (100, 1)
    assert session.scalar(select(func.count()).select_from(CampaignEntry)) == 1
    after = mini_program.get(path).json
    assert after is not None
    assert (after["taken"]["points"], after["can_take_part"]) == (100, False)


def test_another_tap_is_a_conflict(mini_program: MiniProgram, path: str) -> None:
    mini_program.post(path, key=KEY)

    answer = mini_program.post(path, key="another-tap")

    assert (answer.status_code, answer.json["error"]["code"]) == (409, "campaign_taken_already")  # type: ignore[index]


def test_who_comes_when_nothing_is_left_stays_in_the_books(
    mini_program: MiniProgram, session: Session, at: datetime
) -> None:
    campaign = RunningCampaign(session, make_template(session), holdout_percent=0, members_most=0, at=at)
    path = f"/campaigns/{campaign.entrance().token}"
    session.commit()

    answers = [mini_program.post(path, key=key) for key in (KEY, KEY, "another-tap")]

    assert [one.json["error"]["code"] for one in answers] == ["campaign_used_up"] * 3  # type: ignore[index]
    (entry,) = session.scalars(select(CampaignEntry)).all()
    assert (entry.state, entry.missed) == ("missed", "members_total")


def test_a_tap_needs_its_key(mini_program: MiniProgram, path: str) -> None:
    assert mini_program.post(path).status_code == 422


def test_a_visitor_sees_it_and_binds_before_taking_part(visitor: MiniProgram, session: Session, path: str) -> None:
    assert visitor.get(path).status_code == 200
    assert session.scalars(select(CampaignVisit.member_id)).all() == [None]

    assert visitor.post(path, key=KEY).status_code == 403


def test_an_unknown_token_is_not_found(mini_program: MiniProgram) -> None:
    answer = mini_program.get("/campaigns/nobody")

    assert (answer.status_code, answer.json["error"]["code"]) == (404, "campaign_entrance_not_found")  # type: ignore[index]


def test_looking_sends_six_statements(mini_program: MiniProgram, statements: StatementCounter, path: str) -> None:
    statements.clear()

    mini_program.get(path)

    assert statements.count == 6, "\n".join(statements.sent)
