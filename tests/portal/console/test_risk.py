"""Staff of risk see what is held with its evidence, decide about it, and change the rules as data."""

import csv
import io
import re
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import AuditEntry
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.models import Member
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.queries.decisions import get_decision
from loyalty.risk.queries.rules import current_rules
from loyalty.risk.rules.deciding import Bound, Condition, Rule
from loyalty.risk.rules.defaults import DEFAULT_RULES
from loyalty.risk.rules.signals import Fact, Signal
from loyalty.risk.rules.subjects import DecisionState, Occasion, Subject, Verdict
from loyalty.risk.service import assess, note_sighting
from loyalty.staff.rules import Role
from tests.factories.members import make_member
from tests.portal.console.conftest import Browser, LogIn
from tests.support.settings import VAULT


@pytest.fixture
def officer(log_in: LogIn) -> Browser:
    return log_in(Role.RISK)


@pytest.fixture
def neighbour(session: Session, at: datetime) -> Member:
    other = make_member(session)
    seen = Subject(other.id, device="phone-1", ip="203.0.113.7")
    note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=seen, at=at)
    return other


@pytest.fixture
def decision_id(session: Session, member: Member, neighbour: Member, at: datetime) -> int:
    """Held: the member uses the same device as another."""
    return assessed(session, member, at=at)


def assessed(session: Session, member: Member, *, at: datetime, reference: str = "referral:1") -> int:
    subject = Subject(member.id, device="phone-1", ip="203.0.113.7")
    decision = assess(
        session, vault=VAULT, occasion=Occasion.REFERRAL, reference=reference, subject=subject, facts={}, at=at
    )
    session.commit()
    return decision.id


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))


class TestQueue:
    def test_opens_on_what_waits(self, officer: Browser, decision_id: int) -> None:
        page = officer.text("/console/risk")

        assert "有 1 条等待审核" in page
        assert "与其他会员使用同一设备" in page
        assert page.count('data-testid="decision"') == 1

    @pytest.mark.parametrize(
        ("filters", "count"),
        [
            ("state=all", 1),
            ("state=denied", 0),
            ("occasion=withdrawal", 0),
            ("rule_name=shared_device", 1),
            ("rule_name=device_farm", 0),
            ("member_id={member}", 1),
            ("member_id=1", 0),
        ],
    )
    def test_is_filtered(self, officer: Browser, decision_id: int, member: Member, filters: str, count: int) -> None:
        page = officer.text(f"/console/risk?{filters.format(member=member.id)}")

        assert page.count('data-testid="decision"') == count

    def test_a_decision_shows_its_evidence_and_who_was_seen_beside(
        self, officer: Browser, decision_id: int, neighbour: Member
    ) -> None:
        page = officer.text(f"/console/risk/{decision_id}")

        assert "720 小时内同一设备上的会员数" in page
        assert neighbour.number in page
        assert "203.0.113.7" not in page
        assert "phone-1" not in page

    @pytest.mark.parametrize(
        ("word", "state", "event"),
        [("release", DecisionState.RELEASED, "risk.released"), ("reverse", DecisionState.REVERSED, "risk.reversed")],
    )
    def test_a_word_settles_it_once_and_those_who_pay_hear_of_it(
        self, officer: Browser, decision_id: int, session: Session, word: str, state: DecisionState, event: str
    ) -> None:
        officer.submit(f"/console/risk/{decision_id}/{word}", reason="核实过")
        again = officer.submit(f"/console/risk/{decision_id}/{word}", reason="再来")

        assert "已经处理过" in again
        assert get_decision(session, decision_id=decision_id).state is state
        assert len(session.scalars(select(OutboxEvent).where(OutboxEvent.kind == event)).all()) == 1

    def test_a_word_without_a_reason_settles_nothing(
        self, officer: Browser, decision_id: int, session: Session
    ) -> None:
        assert "理由" in officer.submit(f"/console/risk/{decision_id}/release", reason=" ")
        assert get_decision(session, decision_id=decision_id).state is DecisionState.WAITING

    def test_an_unknown_decision_is_not_found(self, officer: Browser) -> None:
        assert officer.get("/console/risk/999999").status_code == 404

    def test_is_exported_as_filtered_and_the_audit_log_knows(
        self, officer: Browser, decision_id: int, member: Member, session: Session
    ) -> None:
        header, *rows = rows_of(officer.post("/console/risk/export").text)

        assert [row[header.index("会员")] for row in rows] == [member.number]
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "risk.export")).one()

    def test_an_auditor_reads_and_a_marketer_does_not(self, log_in: LogIn, decision_id: int) -> None:
        auditor, marketer = log_in(Role.AUDITOR), log_in(Role.MARKETER)

        assert "确认放行" not in auditor.text(f"/console/risk/{decision_id}")
        assert auditor.post(f"/console/risk/{decision_id}/release", reason="x").status_code == 403
        for path in ("risk", f"risk/{decision_id}", "risk/rules", "blocklist"):
            assert marketer.get(f"/console/{path}").status_code == 403


class TestBlockingWhereSeen:
    def test_the_member_for_good(
        self, officer: Browser, decision_id: int, member: Member, session: Session, at: datetime
    ) -> None:
        officer.submit(f"/console/risk/{decision_id}/block", kind="member", reason="羊毛党")

        assert is_blocked(session, subject=Subject(member.id), at=at)

    def test_all_devices_until_a_day_and_with_them_who_shares_them(
        self, officer: Browser, decision_id: int, neighbour: Member, session: Session, at: datetime
    ) -> None:
        officer.submit(f"/console/risk/{decision_id}/block", kind="device", reason="农场", last_on="2026-04-10")

        assert is_blocked(session, subject=Subject(neighbour.id), at=at)

    @pytest.mark.parametrize("last_on", ["", "2026-03-09", "2028-01-01"])
    def test_devices_need_a_day_within_a_year(
        self, officer: Browser, decision_id: int, neighbour: Member, session: Session, at: datetime, last_on: str
    ) -> None:
        page = officer.submit(f"/console/risk/{decision_id}/block", kind="device", reason="农场", last_on=last_on)

        assert "黑名单设置不正确" in page
        assert not is_blocked(session, subject=Subject(neighbour.id), at=at)


NIGHT = {
    "name": "night_burst",
    "title": "深夜集中入会",
    "occasions": ["referral", "mission"],
    "verdict": "deny",
    "is_on": "yes",
    "measured_1": "enrolments_per_ip",
    "bound_1": "at_least",
    "value_1": "4",
    "hours_1": "2",
    "measured_2": "seconds_since_enrolment",
    "bound_2": "at_most",
    "value_2": "60",
}
NIGHT_RULE = Rule(
    "night_burst",
    "深夜集中入会",
    frozenset({Occasion.REFERRAL, Occasion.MISSION}),
    (
        Condition(Signal.ENROLMENTS_PER_IP, 4, within_hours=2),
        Condition(Fact.SECONDS_SINCE_ENROLMENT, 60, Bound.AT_MOST),
    ),
    Verdict.DENY,
)


class TestRules:
    def revision(self, officer: Browser) -> str:
        found = re.search(r'name="revision" value="(\d*)"', officer.text("/console/risk/rules"))
        assert found
        return found[1]

    def test_the_defaults_are_shown_in_words_before_any_were_saved(self, officer: Browser) -> None:
        page = officer.text("/console/risk/rules")

        assert "当前为默认规则" in page
        assert "720 小时内同一设备上的会员数 ≥ 3" in page
        assert page.count('data-testid="rule"') == len(DEFAULT_RULES)

    def test_one_is_added_last_and_edited_without_change(self, officer: Browser, session: Session) -> None:
        officer.submit("/console/risk/rules", **NIGHT, revision=self.revision(officer))
        assert current_rules(session).rules == (*DEFAULT_RULES, NIGHT_RULE)

        form = officer.text("/console/risk/rules/edit?name=night_burst")
        assert 'value="深夜集中入会"' in form
        officer.submit("/console/risk/rules/edit", **NIGHT, revision=self.revision(officer))

        assert current_rules(session).rules == (*DEFAULT_RULES, NIGHT_RULE)

    def test_every_default_survives_its_form(self, officer: Browser, session: Session) -> None:
        for rule in DEFAULT_RULES:
            form = officer.text(f"/console/risk/rules/edit?name={rule.name}")
            fields = self.fields_of(form)
            officer.submit("/console/risk/rules/edit", **fields)

        assert current_rules(session).rules == DEFAULT_RULES

    def test_they_are_switched_moved_and_removed(self, officer: Browser, session: Session) -> None:
        first, second, *rest = DEFAULT_RULES
        officer.submit("/console/risk/rules/switch", name=first.name, revision=self.revision(officer))
        assert not current_rules(session).rules[0].is_on

        officer.submit("/console/risk/rules/raise", name=second.name, revision=self.revision(officer))
        assert current_rules(session).rules[0] == second

        officer.submit("/console/risk/rules/remove", name=first.name, revision=self.revision(officer))
        assert current_rules(session).rules == (second, *rest)

    def test_what_somebody_saved_meanwhile_is_not_written_over(self, officer: Browser, session: Session) -> None:
        seen = self.revision(officer)
        officer.submit("/console/risk/rules", **NIGHT, revision=seen)

        late = officer.submit("/console/risk/rules/remove", name="same_device", revision=seen)
        typed = officer.post("/console/risk/rules", **(NIGHT | {"name": "other"}), revision=seen)

        assert "规则刚被其他人修改" in late
        assert typed.status_code == 409
        assert "深夜集中入会" in typed.text
        assert current_rules(session).rules == (*DEFAULT_RULES, NIGHT_RULE)

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"name": "same_device"}, "不能重复"),
            ({"occasions": []}, "请选择适用场景"),
            ({"occasions": ["mission", "enrolment"]}, "「入会」本身不发放奖励"),
            ({"hours_1": ""}, "须限定"),
            ({"value_2": "x"}, "第 2 个条件的数值须为整数"),
            ({"measured_1": "moon"}, "请从列表中选择"),
            ({"measured_1": "", "measured_2": ""}, "条件须为"),
            ({"verdict": "maybe"}, "结论请从列表中选择"),
        ],
    )
    def test_what_could_not_be_applied_is_refused_and_stays_typed(
        self, officer: Browser, session: Session, changes: dict[str, object], told: str
    ) -> None:
        answer = officer.post("/console/risk/rules", **(NIGHT | changes), revision="")

        assert answer.status_code == 422
        assert told in answer.text
        assert "深夜集中入会" in answer.text
        assert current_rules(session).id is None

    def test_enrolling_is_not_offered_since_nothing_is_given_by_it(self, officer: Browser) -> None:
        form = officer.text("/console/risk/rules/new")

        assert re.findall(r'name="occasions" value="(\w+)"', form) == ["opening", "referral", "mission", "withdrawal"]

    def test_one_that_is_not_there_is_not_found(self, officer: Browser) -> None:
        assert officer.get("/console/risk/rules/edit?name=nothing").status_code == 404
        assert "没有找到这条风控规则" in officer.submit("/console/risk/rules/switch", name="nothing", revision="")

    def test_the_first_goes_no_higher(self, officer: Browser) -> None:
        assert "已经排在最前" in officer.submit("/console/risk/rules/raise", name="same_device", revision="")

    def test_they_are_exported(self, officer: Browser) -> None:
        header, *rows = rows_of(officer.get("/console/risk/rules.csv").text)

        assert [row[header.index("代码")] for row in rows] == [rule.name for rule in DEFAULT_RULES]

    @staticmethod
    def fields_of(form: str) -> dict[str, object]:
        """What a browser would send of a form as it stands."""
        fields: dict[str, object] = dict(
            re.findall(r'<input(?! class="form-check)[^>]* name="(\w+)"[^>]* value="([^"]*)"', form)
        )
        fields |= {
            name: value for name, value in re.findall(r'type="checkbox" name="(is_on)" value="(yes)" checked', form)
        }
        fields["occasions"] = re.findall(r'name="occasions" value="(\w+)" checked', form)
        for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
            chosen = re.search(r'value="(\w*)" selected', options)
            fields[name] = chosen[1] if chosen else re.findall(r'value="(\w*)"', options)[0]
        fields.pop("csrf_token", None)
        return fields
