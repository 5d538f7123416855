"""Money in the mini program: the account, a withdrawal from asking to its end, and who is paid."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.earnings import queries as earnings
from loyalty.gateways.answers import RiskRank
from loyalty.kernel.audit import Actor
from loyalty.payouts.queries.payees import find_payee_name
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.service.pausing import pause
from loyalty.payouts.service.sending import drive as take_steps
from loyalty.risk.queries.decisions import list_decisions
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.rules.deciding import Condition, Rule
from loyalty.risk.rules.signals import Signal
from loyalty.risk.rules.subjects import Occasion, Verdict
from loyalty.risk.service import block, release, save_rules
from tests.factories.earnings import make_available
from tests.factories.members import make_member
from tests.factories.payouts import configure, make_sender, tax_everything
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.containers import NullContainer, StandingClock
from tests.support.settings import VAULT

PAYEE = {"name": "张三", "id_number": "11010519491231002X", "consent_version": "1.0"}
OPEN = PayoutProgramme(minimum_fen=100, member_day_fen=30_000, day_fen=900_000, points_per_yuan=100)
STAFF = Actor("staff:901")


@pytest.fixture
def money(mini_program: MiniProgram, session: Session, at: datetime) -> MiniProgram:
    """A mini program whose member has ¥500."""
    assert mini_program.member is not None
    configure(session, programme=OPEN, at=at)
    make_available(session, mini_program.member.id, 50_000, at=at)
    session.commit()
    return mini_program


def ask(money: MiniProgram, amount_fen: int = 10_000, *, key: str = "withdraw-1", **fields: Any) -> Any:
    return money.post("/payouts", {"amount_fen": amount_fen, **fields}, key=key)


def drive(container: NullContainer, payout_id: int) -> None:
    """Let a worker take the steps that are due."""
    assert isinstance(container.clock, StandingClock)
    take_steps(make_sender(container.database, container.wechat_pay, container.clock), payout_id=payout_id)


@pytest.mark.parametrize(
    ("rank", "status", "states"),
    [(RiskRank.HIGH, 403, ["denied"]), (RiskRank.MEDIUM, 201, ["waiting"]), (RiskRank.UNKNOWN, 201, ["allowed"])],
)
def test_wechat_is_asked_about_who_withdraws_and_no_answer_stops_nobody(
    money: MiniProgram, container: NullContainer, session: Session, rank: RiskRank, status: int, states: list[str]
) -> None:
    container.mp.risk = rank

    answers = [ask(money) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [status, status]
    assert [scene for _, scene in container.mp.risk_calls] == ["marketing"]
    assert [one.state for one in list_decisions(session, occasion=Occasion.WITHDRAWAL).items] == states


class TestAccount:
    def test_tells_what_is_there_and_what_may_be_withdrawn(self, money: MiniProgram) -> None:
        ask(money)

        told = money.get("/earnings").json

        assert told is not None
        assert (told["pending_fen"], told["available_fen"], told["owed_fen"]) == (0, 40_000, 0)
        terms = told["withdrawal"]
        assert (terms["obstacle"], terms["money_obstacle"], terms["most_fen"]) == (None, None, 20_000)

    def test_its_statement_says_why_and_leads_to_the_payout(self, money: MiniProgram) -> None:
        payout_id = ask(money).json["id"]

        page = money.get("/earnings/entries?limit=1").json
        older = money.get(f"/earnings/entries?cursor={page['next_cursor']}").json  # type: ignore[index]
        only = money.get("/earnings/entries?kind=withdraw").json

        assert [(one["kind"], one["payout_id"], one["reason"]) for one in page["items"]] == [  # type: ignore[index]
            ("withdraw", payout_id, "提现")
        ]
        assert [one["kind"] for one in older["items"]] == ["approve", "accrue"]  # type: ignore[index]
        assert len(only["items"]) == 1  # type: ignore[index]

    def test_says_why_nothing_can_be_withdrawn(self, money: MiniProgram, session: Session, at: datetime) -> None:
        def obstacle() -> Any:
            return money.get("/earnings").json["withdrawal"]["obstacle"]["code"]  # type: ignore[index]

        ask(money, 30_000)
        assert obstacle() == "limit_exhausted"
        configure(session, programme=PayoutProgramme(minimum_fen=30_000), at=at)
        session.commit()
        assert obstacle() == "payout_too_small"
        assert money.member is not None
        target = Target(BlockKind.MEMBER, str(money.member.id))
        block(session, vault=VAULT, target=target, reason="刷单", expires_at=None, actor=STAFF, at=at)
        session.commit()
        assert obstacle() == "payout_blocked"

    def test_says_that_the_address_it_is_asked_from_is_blocked(
        self, money: MiniProgram, session: Session, at: datetime
    ) -> None:
        target, until = Target(BlockKind.IP, "127.0.0.1"), at + timedelta(days=1)
        block(session, vault=VAULT, target=target, reason="刷单", expires_at=until, actor=STAFF, at=at)
        session.commit()

        told = money.get("/earnings").json

        assert told is not None
        assert told["withdrawal"]["obstacle"]["code"] == "payout_blocked"
        assert ask(money).json["error"]["code"] == "payout_blocked"

    def test_says_that_nothing_was_set_up_and_that_sending_rests(
        self, mini_program: MiniProgram, session: Session, at: datetime
    ) -> None:
        terms = mini_program.get("/earnings").json["withdrawal"]  # type: ignore[index]
        assert (terms["obstacle"]["code"], terms["is_queue_paused"]) == ("payouts_off", False)

        pause(session, actor=STAFF, at=at)
        session.commit()

        assert mini_program.get("/earnings").json["withdrawal"]["is_queue_paused"]  # type: ignore[index]


class TestWithdrawal:
    def test_that_tax_is_withheld_of_needs_to_know_who_is_paid(
        self, money: MiniProgram, session: Session, at: datetime
    ) -> None:
        tax_everything(session, at=at)
        session.commit()

        unknown = ask(money)
        assert money.send("PUT", "/payee", json=PAYEE).status_code == 200
        known = ask(money)

        assert (unknown.status_code, unknown.json["error"]["code"]) == (409, "payee_name_required")
        assert (known.status_code, known.json["tax_fen"]) == (201, 2_000)

    def test_is_confirmed_by_its_owner_only_while_it_waits(
        self, money: MiniProgram, phone_of: Any, session: Session, container: NullContainer
    ) -> None:
        asked = ask(money)
        assert (asked.status_code, asked.json["state"], asked.json["confirmation"]) == (201, "new", None)
        path = f"/payouts/{asked.json['id']}"
        drive(container, asked.json["id"])

        waiting = money.get(path).json
        theirs = phone_of(make_member(session)).get(path)

        assert waiting is not None
        assert waiting["told"] == "请在 24 小时内确认收款"
        assert waiting["confirmation"]["app_id"] == money.identity.appid
        assert waiting["confirmation"]["package"].startswith("package-P")
        assert theirs.status_code == 404
        cancelled = money.post(f"{path}/cancellation").json
        assert cancelled is not None
        assert (cancelled["told"], cancelled["confirmation"], cancelled["is_cancellable"]) == ("正在撤销", None, False)

    def test_sent_twice_is_one_and_with_another_amount_a_conflict(self, money: MiniProgram, session: Session) -> None:
        first, again, other = ask(money), ask(money), ask(money, 9_000)

        assert again.json == first.json
        assert (other.status_code, other.json["error"]["code"]) == (409, "idempotency_key_reused")
        assert money.member is not None
        assert earnings.balance(session, member_id=money.member.id).available_fen == 40_000
        assert [one["id"] for one in money.get("/payouts").json["items"]] == [first.json["id"]]  # type: ignore[index]

    def test_before_it_is_sent_is_called_back_at_once(self, money: MiniProgram) -> None:
        path = f"/payouts/{ask(money).json['id']}/cancellation"

        gone, again = money.post(path), money.post(path)

        assert gone.json["told"] == "已撤销，金额已退回"  # type: ignore[index]
        assert again.json["error"]["code"] == "payout_not_cancellable"  # type: ignore[index]
        assert money.get("/earnings").json["available_fen"] == 50_000  # type: ignore[index]

    def test_in_points_is_there_at_once(self, money: MiniProgram) -> None:
        done = ask(money, 1_250, destination="points").json

        assert (done["state"], done["points"], done["told"]) == ("success", 1_250, "已换成 1250 积分")
        assert money.get("/points").json["available"] == 1_250  # type: ignore[index]

    @pytest.mark.parametrize(
        ("fields", "status", "code"),
        [
            ({"amount_fen": 0}, 422, "invalid_request"),
            ({"amount_fen": "100"}, 422, "invalid_request"),
            ({"amount_fen": 99}, 422, "payout_too_small"),
            ({"amount_fen": 30_001}, 429, "limit_exhausted"),
            ({"amount_fen": 50_001}, 409, "insufficient_earnings"),
            ({"amount_fen": 100, "destination": "bank"}, 422, "invalid_request"),
        ],
    )
    def test_that_cannot_be_is_refused(
        self, money: MiniProgram, fields: dict[str, Any], status: int, code: str
    ) -> None:
        refused = money.post("/payouts", fields, key="withdraw-1")

        assert (refused.status_code, refused.json["error"]["code"]) == (status, code)  # type: ignore[index]

    def test_needs_a_key_and_a_member(self, money: MiniProgram, visitor: MiniProgram) -> None:
        assert money.post("/payouts", {"amount_fen": 100}).status_code == 422
        assert ask(visitor).json["error"]["code"] == "membership_required"


def doubt_everybody(session: Session, verdict: Verdict, at: datetime) -> None:
    """Let a rule of risk fire at every withdrawal."""
    always = (Condition(Signal.ACTS_PER_IP, 1, within_hours=1),)
    save_rules(
        session, rules=(Rule("doubt", "测试", frozenset({Occasion.WITHDRAWAL}), always, verdict),), actor=STAFF, at=at
    )
    session.commit()


class TestRisk:
    @pytest.mark.parametrize(("verdict", "state"), [(Verdict.REVIEW, "awaiting_approval"), (Verdict.DENY, None)])
    def test_holds_or_refuses_and_keeps_why(
        self, money: MiniProgram, session: Session, at: datetime, verdict: Verdict, state: str | None
    ) -> None:
        doubt_everybody(session, verdict, at)

        answer, in_points = ask(money), ask(money, key="withdraw-2", destination="points")

        assert answer.json.get("state") == state
        assert answer.json.get("error", {}).get("code") == (None if state else "payout_blocked")
        assert in_points.json["error"]["code"] == "payout_blocked"

    def test_does_not_stop_again_for_a_week_whom_people_have_released(
        self, money: MiniProgram, session: Session, container: NullContainer, at: datetime
    ) -> None:
        doubt_everybody(session, Verdict.DENY, at)
        ask(money)
        (denied,) = list_decisions(session, occasion=Occasion.WITHDRAWAL).items
        release(session, decision_id=denied.id, reason="已核实", actor=STAFF, at=at)
        session.commit()
        assert isinstance(container.clock, StandingClock)

        container.clock.advance(days=6)
        within = ask(money, key="withdraw-2")
        container.clock.advance(days=2)
        later = ask(money, key="withdraw-3")

        assert (within.status_code, later.status_code) == (201, 403)


class TestPayee:
    def test_is_kept_with_a_consent_of_its_own_and_deleted_with_it(self, money: MiniProgram, session: Session) -> None:
        assert money.member is not None
        before = money.get("/payee").json
        assert before is not None
        assert (before["name"], before["text"]["version"]) == (None, "1.0")

        given = money.send("PUT", "/payee", json=PAYEE).json
        assert given is not None
        assert given["name"] == "张*"
        assert find_payee_name(session, vault=VAULT, member_id=money.member.id) == "张三"

        assert money.send("DELETE", "/payee").status_code == 204
        assert money.get("/payee").json["name"] is None  # type: ignore[index]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"consent_version": "0.9"}, "consent_outdated"),
            ({"id_number": "110105194912310021"}, "invalid_payee"),
            ({"name": "张3"}, "invalid_payee"),
        ],
    )
    def test_that_cannot_be_is_refused_and_nothing_is_kept(
        self, money: MiniProgram, changes: dict[str, str], code: str
    ) -> None:
        refused = money.send("PUT", "/payee", json=PAYEE | changes)

        assert (refused.status_code, refused.json["error"]["code"]) == (422, code)  # type: ignore[index]
        assert money.get("/payee").json["name"] is None  # type: ignore[index]
        assert money.get("/consents").json["items"] == []  # type: ignore[index]
