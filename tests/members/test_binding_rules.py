"""Every combination of what is known of an identity, a phone and a unionid has one outcome."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from loyalty.members.rules.binding import (
    BindingFacts,
    Decision,
    IdentityState,
    PhoneState,
    UnionidState,
    decide_binding,
    phone_state,
)

VISITORS = {
    # phone: (no unionid, new unionid, unionid of the holder, unionid of another member)
    "new": ("enrol", "enrol", "join_by_unionid", "join_by_unionid"),
    "known": ("join", "join", "join", "join_by_unionid"),
    "known_here": ("second_proof", "second_proof", "join", "join_by_unionid"),
    "dormant": ("second_proof", "second_proof", "join", "join_by_unionid"),
    "provisional": ("confirm", "confirm", "confirm", "join_by_unionid"),
}
MEMBERS_WITHOUT_PHONE = {
    "new": ("set_phone", "set_phone", "set_phone", "set_phone"),
    "known": ("second_proof", "second_proof", "offer_merge", "second_proof"),
    "known_here": ("second_proof", "second_proof", "offer_merge", "second_proof"),
    "dormant": ("second_proof", "second_proof", "offer_merge", "second_proof"),
    "provisional": ("offer_merge", "offer_merge", "offer_merge", "offer_merge"),
}
MEMBERS_WITH_PHONE = MEMBERS_WITHOUT_PHONE | {"new": ("offer_change",) * 4}


def _cases(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str, str]]:
    return [
        (phone, unionid, decision)
        for phone, decisions in table.items()
        for unionid, decision in zip(UnionidState, decisions, strict=True)
    ]


class TestDecideBinding:
    @pytest.mark.parametrize("identity", ["new", "visitor"])
    @pytest.mark.parametrize(("phone", "unionid", "decision"), _cases(VISITORS))
    def test_of_who_has_no_member(self, identity: str, phone: str, unionid: str, decision: str) -> None:
        facts = BindingFacts(IdentityState(identity), PhoneState(phone), UnionidState(unionid))

        assert decide_binding(facts) is Decision(decision)

    @pytest.mark.parametrize(("phone", "unionid", "decision"), _cases(MEMBERS_WITHOUT_PHONE))
    def test_of_a_member_without_phone(self, phone: str, unionid: str, decision: str) -> None:
        facts = BindingFacts(IdentityState.MEMBER, PhoneState(phone), UnionidState(unionid))

        assert decide_binding(facts) is Decision(decision)

    @pytest.mark.parametrize(("phone", "unionid", "decision"), _cases(MEMBERS_WITH_PHONE))
    def test_of_a_member_with_another_phone(self, phone: str, unionid: str, decision: str) -> None:
        facts = BindingFacts(IdentityState.MEMBER, PhoneState(phone), UnionidState(unionid), has_phone=True)

        assert decide_binding(facts) is Decision(decision)

    @pytest.mark.parametrize("unionid", list(UnionidState))
    @pytest.mark.parametrize("phone", [state for state in PhoneState if state != "new"])
    def test_of_a_members_own_phone_nothing_changes(self, phone: PhoneState, unionid: UnionidState) -> None:
        facts = BindingFacts(IdentityState.MEMBER, phone, unionid, is_own_phone=True, has_phone=True)

        assert decide_binding(facts) is Decision.ALREADY_BOUND

    @pytest.mark.parametrize(("phone", "unionid", "decision"), _cases(MEMBERS_WITHOUT_PHONE))
    def test_of_a_member_who_asked_for_a_change(self, phone: str, unionid: str, decision: str) -> None:
        facts = BindingFacts(
            IdentityState.MEMBER, PhoneState(phone), UnionidState(unionid), has_phone=True, is_change=True
        )

        assert decide_binding(facts) is Decision(decision)

    @pytest.mark.parametrize("facts", [
        BindingFacts(identity, phone, unionid, is_own_phone=own, has_phone=has_phone, is_change=change)
        for identity, phone, unionid, own, has_phone, change in itertools.product(
            IdentityState, PhoneState, UnionidState, *[(False, True)] * 3
        )
    ])  # fmt: skip
    def test_never_opens_a_membership_by_a_recycled_phone_alone(self, facts: BindingFacts) -> None:
        is_doubtful = facts.phone in (PhoneState.DORMANT, PhoneState.KNOWN_HERE)
        is_vouched_for = facts.is_own_phone or facts.unionid is UnionidState.SAME_MEMBER

        decision = decide_binding(facts)

        if is_doubtful and not is_vouched_for:
            assert decision not in (Decision.JOIN, Decision.OFFER_MERGE, Decision.SET_PHONE, Decision.ENROL)


class TestPhoneState:
    at = datetime(2026, 3, 10, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("silent_for", "is_here", "expected"),
        [
            (timedelta(days=1), False, PhoneState.KNOWN),
            (timedelta(days=1), True, PhoneState.KNOWN_HERE),
            (timedelta(days=180), False, PhoneState.KNOWN),
            (timedelta(days=180, seconds=1), False, PhoneState.DORMANT),
            (timedelta(days=400), True, PhoneState.DORMANT),
        ],
    )
    def test_weighs_silence_before_another_openid(
        self, silent_for: timedelta, is_here: bool, expected: PhoneState
    ) -> None:
        state = phone_state(holder_last_active_at=self.at - silent_for, holder_is_here=is_here, at=self.at)

        assert state is expected
