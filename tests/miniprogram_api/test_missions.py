"""Missions and days made up, for the mini program."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.check_ins.cards import grant_cards
from loyalty.check_ins.making_up import save_rules
from loyalty.check_ins.rules import MakeUpRules
from loyalty.gateways.answers import RiskRank
from loyalty.risk.models import Sighting
from loyalty.risk.queries.decisions import count_waiting, list_decisions
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import note_sighting
from tests.factories.members import make_member
from tests.factories.missions import ACTOR, do, make_mission, mission_of, steps
from tests.factories.points import earn
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.containers import NullContainer
from tests.support.settings import VAULT
from tests.support.statements import StatementCounter

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
YESTERDAY = (date(2026, 3, 10) - timedelta(days=1)).isoformat()


@pytest.fixture
def member_id(mini_program: MiniProgram) -> int:
    assert mini_program.member is not None
    return mini_program.member.id


class TestMissions:
    def test_are_listed_with_steps_and_claimed_once_for_ever(
        self, mini_program: MiniProgram, session: Session, member_id: int, at: datetime
    ) -> None:
        terms = mission_of(steps=steps((1, 10), (3, 30)), is_claimed_by_hand=True)
        mission_id = make_mission(session, terms)
        do(session, member_id, at)
        session.commit()
        claims, body = f"/missions/{mission_id}/claims", {"step": 1, "period": "total"}

        (listed,) = mini_program.get("/missions").json["items"]  # type: ignore[index]
        first = mini_program.post(claims, body, key="claim-0001")
        again = mini_program.post(claims, body, key="claim-0001")
        other = mini_program.post(claims, body, key="claim-0002")
        short = mini_program.post(claims, body | {"step": 3}, key="claim-0003")

        assert [(step["step"], step["state"], step["progress"]) for step in listed["steps"]] == [
            (1, "claimable", "1/1 次"),
            (3, "open", "1/3 次"),
        ]
        assert (first.status_code, first.json["reward"]) == (201, {"kind": "points", "points": 10})  # type: ignore[index]
        assert (again.status_code, again.json) == (201, first.json)
        assert (other.status_code, other.json["error"]["code"]) == (409, "mission_reward_claimed")  # type: ignore[index]
        assert short.json["error"]["details"] == {"progress": 1, "target": 3}  # type: ignore[index]

    def test_whose_reward_is_claimed_by_somebody_of_whom_wechat_thinks_ill_is_refused(
        self, mini_program: MiniProgram, session: Session, member_id: int, at: datetime, container: NullContainer
    ) -> None:
        mission_id = make_mission(session, mission_of(is_claimed_by_hand=True))
        container.mp.risk = RiskRank.HIGH
        claims, body = f"/missions/{mission_id}/claims", {"step": 1, "period": "total"}

        early = mini_program.post(claims, body, key="claim-0001")
        do(session, member_id, at)
        session.commit()
        asked_early = list(container.mp.risk_calls)
        refused = [mini_program.post(claims, body, key=f"claim-000{number}") for number in (2, 3)]

        assert (early.status_code, asked_early) == (409, [])
        assert [answer.json["error"]["code"] for answer in refused] == ["mission_reward_refused"] * 2  # type: ignore[index]
        assert [scene for _, scene in container.mp.risk_calls] == ["marketing"]

    def test_whose_reward_is_claimed_on_the_phone_of_a_farm_is_refused(
        self, mini_program: MiniProgram, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, is_claimed_by_hand=True)
        for _ in range(2):
            seen = Subject(make_member(session).id, device="farm")
            note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=seen, at=at)
        do(session, member_id, at)
        session.commit()

        body = {"step": 1, "period": "total"}
        refused = mini_program.post(f"/missions/{mission_id}/claims", body, key="claim-0001", device="farm")

        assert refused.json["error"]["code"] == "mission_reward_refused"  # type: ignore[index]
        session.rollback()
        (decision,) = list_decisions(session, occasion=Occasion.MISSION).items
        assert decision.rule_name == "device_farm"
        kept = session.scalars(select(Sighting).where(Sighting.occasion == Occasion.MISSION)).one()
        assert kept.ip_index is not None

    def test_are_listed_in_four_statements_however_many_there_are(
        self, mini_program: MiniProgram, session: Session, statements: StatementCounter, member_id: int, at: datetime
    ) -> None:
        for _ in range(5):
            make_mission(session)
        do(session, member_id, at)
        session.commit()
        statements.clear()

        answer = mini_program.get("/missions")

        assert len(answer.json["items"]) == 5  # type: ignore[index]
        assert statements.count <= 4, "\n".join(statements.sent)

    def test_whose_reward_risk_holds_say_so_and_the_held_claim_waits_for_somebody(
        self, mini_program: MiniProgram, session: Session, member_id: int, at: datetime, container: NullContainer
    ) -> None:
        mission_id = make_mission(session, is_claimed_by_hand=True)
        container.mp.risk = RiskRank.UNKNOWN
        subject = Subject(member_id, wechat_rank=RiskRank.UNKNOWN)
        note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=subject, at=at)
        do(session, member_id, at)
        session.commit()

        body = {"step": 1, "period": "total"}
        answers = [mini_program.post(f"/missions/{mission_id}/claims", body, key="claim-0001") for _ in range(2)]

        assert [one.json["error"]["code"] for one in answers] == ["mission_reward_held"] * 2  # type: ignore[index]
        assert [one.status_code for one in answers] == [409, 409]
        assert mini_program.get("/missions").json["items"][0]["steps"][0]["state"] == "waiting"  # type: ignore[index]
        session.rollback()
        assert count_waiting(session) == 1

    def test_that_do_not_exist_are_not_found_and_a_claim_needs_a_key(self, mini_program: MiniProgram) -> None:
        body = {"step": 1, "period": "total"}

        assert mini_program.post("/missions/999999/claims", body, key="claim-0001").status_code == 404
        assert mini_program.post("/missions/1/claims", body).status_code == 422
        assert mini_program.post("/missions/1/claims", {"step": 0}, key="claim-0001").status_code == 422


@pytest.mark.usefixtures("plan")
def test_missed_days_are_shown_made_up_and_cards_bought(
    mini_program: MiniProgram, session: Session, member_id: int, at: datetime
) -> None:
    save_rules(session, rules=MakeUpRules(2, 3, 40), actor=ACTOR, at=LONG_AGO)
    grant_cards(session, member_id=member_id, cards=1, reference="test", at=LONG_AGO)
    earn(session, member_id, 50, at=at)
    session.commit()

    shown = mini_program.get("/check-ins/make-ups").json
    made = mini_program.post("/check-ins/make-ups", {"on": YESTERDAY}, key="made-up-01")
    again = mini_program.post("/check-ins/make-ups", {"on": YESTERDAY}, key="made-up-02")
    bought = mini_program.post("/check-ins/make-up-cards", key="bought-0001")
    poor = mini_program.post("/check-ins/make-up-cards", key="bought-0002")

    assert shown == {
        "is_offered": True,
        "cards": 1,
        "left_this_month": 3,
        "days": ["2026-03-08", YESTERDAY],
        "card_price": 40,
    }
    assert (made.status_code, made.json) == (201, {"on": YESTERDAY, "streak": 1})
    assert (again.status_code, again.json["error"]["code"]) == (409, "day_not_missed")  # type: ignore[index]
    assert bought.json == {"points_paid": 40}
    assert poor.json["error"]["code"] == "insufficient_points"  # type: ignore[index]
