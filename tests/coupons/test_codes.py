"""Coupon codes that rotate, and claim codes that people type."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.coupons.rules.claim_codes import ALPHABET, SERIAL_BOUND, claim_code, read_claim_code
from loyalty.coupons.rules.codes import current_code, read_code
from loyalty.coupons.rules.errors import ClaimCodeInvalid, CouponCodeInvalid
from loyalty.members.rules import member_code

KEY = b"k" * 32
AT = datetime(2026, 3, 10, 2, 0, 5, tzinfo=UTC)
SERIALS = st.integers(0, SERIAL_BOUND - 1)


class TestCouponCode:
    @given(coupon_id=st.integers(1, 10**10 - 1))
    @settings(max_examples=50)
    def test_is_read_back_by_who_has_the_key(self, coupon_id: int) -> None:
        code = current_code(KEY, coupon_id, AT)

        assert len(code.code) == 18
        assert code.code.startswith("66")
        assert read_code(KEY, code.code, AT) == coupon_id

    @pytest.mark.parametrize("late", [timedelta(seconds=115), timedelta(days=1), timedelta(seconds=-6)])
    def test_is_worthless_after_its_two_steps(self, late: timedelta) -> None:
        code = current_code(KEY, 7, AT).code

        with pytest.raises(CouponCodeInvalid):
            read_code(KEY, code, AT + late)

    def test_is_accepted_for_one_more_step(self) -> None:
        code = current_code(KEY, 7, AT)

        assert read_code(KEY, code.code, code.valid_until + timedelta(seconds=59)) == 7
        assert current_code(KEY, 7, code.valid_until).code != code.code

    def test_is_never_taken_for_a_member_code(self) -> None:
        coupon, member = current_code(KEY, 7, AT).code, member_code.current_code(KEY, 7, AT).code

        with pytest.raises(member_code.MemberCodeInvalid):
            member_code.read_code(KEY, coupon, AT)
        with pytest.raises(CouponCodeInvalid):
            read_code(KEY, member, AT)
        with pytest.raises(CouponCodeInvalid):
            read_code(KEY, "66" + member.removeprefix("68"), AT)

    @pytest.mark.parametrize("text", ["", "66", "1" * 18, "66" + "１" * 16, "66" + "0" * 17, "66abc"])
    def test_is_refused_when_it_is_none(self, text: str) -> None:
        with pytest.raises(CouponCodeInvalid):
            read_code(KEY, text, AT)


class TestClaimCode:
    @given(serial=SERIALS)
    @settings(max_examples=50)
    def test_is_read_back_by_who_has_the_key(self, serial: int) -> None:
        assert read_claim_code(KEY, claim_code(KEY, serial)) == serial

    def test_never_repeats_and_tells_nothing_of_its_neighbour(self) -> None:
        codes = [claim_code(KEY, serial) for serial in range(2_000)]

        assert len(set(codes)) == 2_000
        assert len({code[:4] for code in codes}) > 1_900

    def test_has_three_groups_of_four_and_nothing_that_looks_alike(self) -> None:
        code = claim_code(KEY, 7)

        assert [len(group) for group in code.split("-")] == [4, 4, 4]
        assert not set(ALPHABET) & set("0ODQ1ILBSZGU")

    @pytest.mark.parametrize(
        "typed",
        [
            str.lower,
            lambda code: code.replace("-", ""),
            lambda code: f" {code.replace('-', ' ')} ",
            lambda code: code.replace("-", "－"),
            lambda code: code.replace("-", "—"),
            lambda code: "".join(chr(ord(one) + 0xFEE0) for one in code),
        ],
    )
    def test_is_read_however_it_is_typed(self, typed: Callable[[str], str]) -> None:
        assert read_claim_code(KEY, typed(claim_code(KEY, 42))) == 42

    @given(serial=SERIALS, position=st.integers(0, 11), step=st.integers(1, len(ALPHABET) - 1))
    def test_with_one_character_wrong_is_refused(self, serial: int, position: int, step: int) -> None:
        code = claim_code(KEY, serial).replace("-", "")
        wrong = ALPHABET[(ALPHABET.index(code[position]) + step) % len(ALPHABET)]

        with pytest.raises(ClaimCodeInvalid):
            read_claim_code(KEY, code[:position] + wrong + code[position + 1 :])

    @given(serial=SERIALS, places=st.tuples(st.integers(0, 11), st.integers(0, 11)))
    def test_with_two_characters_exchanged_is_refused(self, serial: int, places: tuple[int, int]) -> None:
        code = list(claim_code(KEY, serial).replace("-", ""))
        one, other = places
        code[one], code[other] = code[other], code[one]
        if code[one] == code[other]:
            return

        with pytest.raises(ClaimCodeInvalid):
            read_claim_code(KEY, "".join(code))

    def test_that_was_guessed_is_refused_also_with_a_right_check(self) -> None:
        guesses = Random(7)

        for _ in range(200):
            payload = "".join(guesses.choices(ALPHABET, k=11))
            total = sum(weight * ALPHABET.index(one) for weight, one in enumerate(payload, start=1))
            with pytest.raises(ClaimCodeInvalid):
                read_claim_code(KEY, payload + ALPHABET[total % len(ALPHABET)])

    @pytest.mark.parametrize("typed", ["", "-", "2" * 11, "2" * 13, "0" * 12, "券" * 12, "2" * 10_000, "\0" * 12])
    def test_is_refused_when_it_is_none(self, typed: str) -> None:
        with pytest.raises(ClaimCodeInvalid):
            read_claim_code(KEY, typed)

    def test_of_another_key_is_refused(self) -> None:
        with pytest.raises(ClaimCodeInvalid):
            read_claim_code(b"other" * 7, claim_code(KEY, 42))

    @pytest.mark.parametrize("serial", [-1, SERIAL_BOUND])
    def test_is_not_made_for_an_impossible_serial(self, serial: int) -> None:
        with pytest.raises(ValueError, match="ten digits"):
            claim_code(KEY, serial)
