"""What counts as a phone, a nickname, a birthday; and what was consented to."""

from datetime import UTC, date, datetime, timedelta

import pytest

from loyalty.members.rules.consents import (
    DRAFT_TEXTS,
    ConsentGiven,
    ConsentMissing,
    ConsentOutdated,
    Purpose,
    PurposeUnknown,
    check_consents,
    purpose_of,
)
from loyalty.members.rules.phones import PhoneInvalid, normalise_phone
from loyalty.members.rules.profile import (
    BirthdayChangedLately,
    BirthdayInvalid,
    NicknameInvalid,
    UnderAge,
    age_on,
    check_birthday,
    check_birthday_change,
    clean_nickname,
)


class TestPhone:
    @pytest.mark.parametrize(
        ("typed", "phone"),
        [
            ("13800000001", "+8613800000001"),
            (" 138 0000 0001 ", "+8613800000001"),
            ("+86 138-0000-0001", "+8613800000001"),
            ("+852 5123 4567", "+85251234567"),
            ("+853 6612 3456", "+85366123456"),
            ("+886 912 345 678", "+886912345678"),
            ("+8860912345678", "+886912345678"),
            ("１３８００００　０００１", "+8613800000001"),
            ("＋８６（１３８）００００－０００１", "+8613800000001"),
            ("\u202d138\xa00000\xa00001\u202c", "+8613800000001"),
            ("0086 13800000001", "+8613800000001"),
        ],
    )
    def test_of_the_four_regions_has_one_form(self, typed: str, phone: str) -> None:
        assert normalise_phone(typed) == phone

    @pytest.mark.parametrize(
        "typed",
        ["", "abc", "1380000000", "138000000011", "01012345678", "+12025550123", "+819012345678",
         "51234567", "13800000001 ext. 5", "1" * 500, "13800000001\x00", "😀"],
    )  # fmt: skip
    def test_of_anything_else_is_refused(self, typed: str) -> None:
        with pytest.raises(PhoneInvalid):
            normalise_phone(typed)


class TestNickname:
    @pytest.mark.parametrize(
        ("typed", "nickname"), [(" 小明 ", "小明"), ("👩‍🍳大厨", "👩‍🍳大厨"), ("a" * 20, "a" * 20)]
    )
    def test_is_trimmed(self, typed: str, nickname: str) -> None:
        assert clean_nickname(typed) == nickname

    @pytest.mark.parametrize("typed", ["", "   ", "a" * 21, "a\nb", "a\x00b", "\u200b\u200b", "a\u2028b"])
    def test_that_nobody_could_read_is_refused(self, typed: str) -> None:
        with pytest.raises(NicknameInvalid):
            clean_nickname(typed)


class TestBirthday:
    today = date(2026, 3, 10)

    @pytest.mark.parametrize("birthday", [date(2012, 3, 10), date(1900, 1, 1), date(1990, 2, 28)])
    def test_of_fourteen_years_and_more_is_taken(self, birthday: date) -> None:
        check_birthday(birthday, today=self.today)

    @pytest.mark.parametrize("birthday", [date(2012, 3, 11), date(2026, 3, 10)])
    def test_of_a_child_is_refused(self, birthday: date) -> None:
        with pytest.raises(UnderAge):
            check_birthday(birthday, today=self.today)

    @pytest.mark.parametrize("birthday", [date(2026, 3, 11), date(1899, 12, 31)])
    def test_that_cannot_be_is_refused(self, birthday: date) -> None:
        with pytest.raises(BirthdayInvalid):
            check_birthday(birthday, today=self.today)

    def test_on_29_february_counts_from_1_march(self) -> None:
        assert age_on(date(2012, 2, 29), date(2026, 2, 28)) == 13
        assert age_on(date(2012, 2, 29), date(2026, 3, 1)) == 14

    def test_may_be_changed_after_a_year_and_not_before(self) -> None:
        changed_at = datetime(2025, 3, 10, tzinfo=UTC)

        check_birthday_change(None, at=changed_at)
        check_birthday_change(changed_at, at=changed_at + timedelta(days=365))
        with pytest.raises(BirthdayChangedLately):
            check_birthday_change(changed_at, at=changed_at + timedelta(days=364))


class TestConsents:
    terms, privacy, marketing = (ConsentGiven(text.purpose, text.version) for text in DRAFT_TEXTS)

    def test_to_all_required_texts_are_enough(self) -> None:
        agreed = check_consents([self.privacy, self.terms], DRAFT_TEXTS)

        assert [text.purpose for text in agreed] == [Purpose.SERVICE_TERMS, Purpose.PRIVACY]

    def test_to_optional_texts_are_taken_along(self) -> None:
        agreed = check_consents([self.privacy, self.terms, self.marketing], DRAFT_TEXTS)

        assert [text.is_required for text in agreed] == [True, True, False]

    def test_without_a_required_text_are_refused_by_name(self) -> None:
        with pytest.raises(ConsentMissing) as refusal:
            check_consents([self.privacy, self.marketing], DRAFT_TEXTS)

        assert refusal.value.details == {"purposes": ["service_terms"]}

    def test_to_an_old_version_are_refused(self) -> None:
        with pytest.raises(ConsentOutdated):
            check_consents([self.terms, ConsentGiven(Purpose.PRIVACY, "0.9")], DRAFT_TEXTS)

    def test_to_an_unknown_purpose_are_refused(self) -> None:
        with pytest.raises(PurposeUnknown):
            purpose_of("everything")

    def test_hash_tells_one_text_from_another(self) -> None:
        assert len({text.hash for text in DRAFT_TEXTS}) == len(DRAFT_TEXTS)
