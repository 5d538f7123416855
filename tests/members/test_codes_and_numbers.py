"""Member numbers and member codes: pure functions of an id and a key."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.kernel.permutation import permute, restore
from loyalty.members.rules.member_code import MemberCodeInvalid, current_code, read_code
from loyalty.members.rules.numbers import is_number, number_of

KEY = b"k" * 32
AT = datetime(2026, 3, 10, 2, 0, 5, tzinfo=UTC)
IDS = st.integers(min_value=1, max_value=10**9 - 1)


class TestMemberCode:
    @given(member_id=IDS)
    @settings(max_examples=50)
    def test_is_read_back_by_who_has_the_key(self, member_id: int) -> None:
        assert read_code(KEY, current_code(KEY, member_id, AT).code, AT) == member_id

    def test_has_18_digits_and_a_prefix_that_no_payment_code_has(self) -> None:
        codes = {current_code(KEY, member_id, AT).code for member_id in range(1, 200)}

        assert all(len(code) == 18 and code.isdigit() and code.startswith("68") for code in codes)
        assert len(codes) == 199

    def test_changes_every_step_and_lives_through_the_next_one(self) -> None:
        code = current_code(KEY, 7, AT)

        assert code.valid_until == datetime(2026, 3, 10, 2, 1, tzinfo=UTC)
        assert current_code(KEY, 7, code.valid_until).code != code.code
        assert read_code(KEY, code.code, code.valid_until + timedelta(seconds=59)) == 7

    @pytest.mark.parametrize("late", [timedelta(seconds=115), timedelta(days=1), timedelta(seconds=-6)])
    def test_is_refused_outside_its_two_steps(self, late: timedelta) -> None:
        code = current_code(KEY, 7, AT).code

        with pytest.raises(MemberCodeInvalid):
            read_code(KEY, code, AT + late)

    @pytest.mark.parametrize("position", range(2, 18))
    def test_is_refused_with_one_digit_changed(self, position: int) -> None:
        code = current_code(KEY, 7, AT).code
        changed = code[:position] + str((int(code[position]) + 1) % 10) + code[position + 1 :]

        with pytest.raises(MemberCodeInvalid):
            read_code(KEY, changed, AT)

    @pytest.mark.parametrize("text", ["", "68", "1" * 18, "68" + "１" * 16, "68" + "0" * 17, "68abc"])
    def test_is_refused_when_it_is_none(self, text: str) -> None:
        with pytest.raises(MemberCodeInvalid):
            read_code(KEY, text, AT)

    def test_of_another_key_is_refused(self) -> None:
        with pytest.raises(MemberCodeInvalid):
            read_code(b"other" * 7, current_code(KEY, 7, AT).code, AT)

    def test_is_shown_in_groups_of_four(self) -> None:
        code = current_code(KEY, 7, AT)

        assert [len(group) for group in code.display.split(" ")] == [4, 4, 4, 4, 2]
        assert code.display.replace(" ", "") == code.code


class TestMemberNumber:
    def test_never_repeats_and_ends_in_a_check_digit(self) -> None:
        numbers = {number_of(member_id, key=KEY) for member_id in range(1, 3000)}

        assert len(numbers) == 2999
        assert all(is_number(number) for number in numbers)

    def test_does_not_tell_who_came_next(self) -> None:
        first, second, third = (int(number_of(member_id, key=KEY)[:9]) for member_id in (1, 2, 3))

        assert second - first != third - second
        assert abs(second - first) > 1

    @pytest.mark.parametrize("position", range(10))
    def test_is_not_one_with_a_digit_mistyped(self, position: int) -> None:
        number = number_of(42, key=KEY)
        mistyped = number[:position] + str((int(number[position]) + 1) % 10) + number[position + 1 :]

        assert not is_number(mistyped)

    @pytest.mark.parametrize("member_id", [0, -1, 10**9])
    def test_is_not_made_for_an_impossible_id(self, member_id: int) -> None:
        with pytest.raises(ValueError, match="nine digits"):
            number_of(member_id, key=KEY)


@given(number=st.integers(min_value=0, max_value=10**16 - 1))
@settings(max_examples=100)
def test_a_permutation_is_undone(number: int) -> None:
    assert restore(permute(number, half_digits=8, key=KEY), half_digits=8, key=KEY) == number
