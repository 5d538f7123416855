"""What members tell of themselves, agree to, and no longer want."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members import keys, queries, service
from loyalty.members.rules.consents import ConsentOutdated, ConsentRequired, Purpose, TextVersion, TextVersionTaken
from loyalty.members.rules.identities import Door
from loyalty.members.rules.members import MemberGone, MemberNotFound, MemberStatus
from loyalty.members.rules.profile import BirthdayChangedLately, NicknameInvalid, UnderAge
from tests.factories.members import make_member, unused_phone
from tests.support.events import recorded

STAFF = Actor("staff:3", ip="203.0.113.5")


class TestProfile:
    def test_nickname_is_sealed_shown_and_removed(self, session: Session, vault: Vault, at: datetime) -> None:
        member = make_member(session)

        service.set_nickname(session, vault=vault, member_id=member.id, nickname=" 小明👩‍🍳 ", at=at)
        assert member.nickname_sealed is not None
        assert "小明".encode() not in member.nickname_sealed
        assert queries.get_member(session, vault=vault, member_id=member.id).nickname == "小明👩‍🍳"
        service.set_nickname(session, vault=vault, member_id=member.id, nickname=None, at=at)

        assert queries.get_member(session, vault=vault, member_id=member.id).nickname is None

    def test_bad_nickname_is_refused(self, session: Session, vault: Vault, at: datetime) -> None:
        with pytest.raises(NicknameInvalid):
            service.set_nickname(session, vault=vault, member_id=make_member(session).id, nickname="\n", at=at)

    def test_birthday_is_set_once_a_year(self, session: Session, vault: Vault, zone: ZoneInfo, at: datetime) -> None:
        member = make_member(session)

        def save(birthday: date, when: datetime) -> None:
            service.set_birthday(session, vault=vault, member_id=member.id, birthday=birthday, zone=zone, at=when)

        save(date(1990, 5, 1), at)
        save(date(1990, 5, 1), at + timedelta(days=1))
        with pytest.raises(BirthdayChangedLately):
            save(date(1990, 6, 1), at + timedelta(days=364))
        save(date(1990, 6, 1), at + timedelta(days=365))

        assert queries.get_member(session, vault=vault, member_id=member.id).birthday == date(1990, 6, 1)

    def test_birthday_of_a_child_is_refused_by_the_programmes_calendar(
        self, session: Session, vault: Vault, zone: ZoneInfo
    ) -> None:
        member = make_member(session)
        evening_in_utc = datetime.fromisoformat("2026-03-09T17:00:00+00:00")  # already the 10th in Shanghai

        with pytest.raises(UnderAge):
            service.set_birthday(
                session, vault=vault, member_id=member.id, birthday=date(2012, 3, 11), zone=zone, at=evening_in_utc
            )
        service.set_birthday(
            session, vault=vault, member_id=member.id, birthday=date(2012, 3, 10), zone=zone, at=evening_in_utc
        )

        assert member.birthday_sealed is not None

    @pytest.mark.parametrize("status", [MemberStatus.CLOSED, MemberStatus.MERGED])
    def test_of_who_is_gone_cannot_be_changed(
        self, session: Session, vault: Vault, status: MemberStatus, at: datetime
    ) -> None:
        into = make_member(session).id if status is MemberStatus.MERGED else None
        member = make_member(session, phone=None, status=status, merged_into_id=into)

        with pytest.raises(MemberGone):
            service.set_nickname(session, vault=vault, member_id=member.id, nickname="x", at=at)

    def test_of_nobody_is_not_found(self, session: Session, vault: Vault) -> None:
        with pytest.raises(MemberNotFound):
            queries.get_member(session, vault=vault, member_id=10**12)


class TestRevealingAPhone:
    def test_shows_it_in_full_and_says_who_looked(self, session: Session, vault: Vault, at: datetime) -> None:
        phone = unused_phone()
        member = make_member(session, phone=phone)

        assert service.reveal_phone(session, vault=vault, member_id=member.id, actor=STAFF, at=at) == phone

        entry = audit.list_entries(session, subject=f"member:{member.id}")[0]
        assert (entry.actor, entry.action, entry.before, entry.after) == ("staff:3", "members.reveal_phone", None, None)


class TestConsent:
    def test_to_marketing_is_given_withdrawn_and_given_again(self, session: Session, at: datetime) -> None:
        member = make_member(session)

        def marketing() -> bool:
            log = queries.consents_of(session, member_id=member.id)
            return any(consent.withdrawn_at is None for consent in log)

        def give() -> None:
            service.give_consent(
                session, member_id=member.id, purpose=Purpose.MARKETING, version="1.0", door=Door.H5, at=at
            )

        give()
        give()
        assert marketing()
        service.withdraw_consent(
            session, member_id=member.id, purpose=Purpose.MARKETING, door=Door.MINI_PROGRAM, at=at + timedelta(days=1)
        )
        assert not marketing()
        give()

        assert marketing()
        again, first = queries.consents_of(session, member_id=member.id)
        assert (first.withdrawn_at, first.withdrawn_channel) == (at + timedelta(days=1), "mini_program")
        assert again.withdrawn_at is None
        assert recorded(session, "consent.withdrawn") == [{"member_id": member.id, "purpose": "marketing"}]

    def test_withdrawing_what_was_never_given_changes_nothing(self, session: Session, at: datetime) -> None:
        member = make_member(session)

        service.withdraw_consent(session, member_id=member.id, purpose=Purpose.MARKETING, door=Door.H5, at=at)

        assert recorded(session, "consent.withdrawn") == []

    @pytest.mark.parametrize("purpose", [Purpose.SERVICE_TERMS, Purpose.PRIVACY])
    def test_that_is_required_ends_with_the_account_only(
        self, session: Session, at: datetime, purpose: Purpose
    ) -> None:
        with pytest.raises(ConsentRequired):
            service.withdraw_consent(session, member_id=make_member(session).id, purpose=purpose, door=Door.H5, at=at)

    def test_to_a_new_version_of_the_text_is_asked_anew(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        text = TextVersion(Purpose.MARKETING, "2.0", "营销信息授权", "新的内容")

        service.publish_text(session, text=text, actor=STAFF, at=at)

        assert text in queries.current_texts(session)
        assert {text.purpose for text in queries.current_texts(session)} == set(Purpose) - {Purpose.PAYEE_IDENTITY}
        with pytest.raises(ConsentOutdated):
            service.give_consent(
                session, member_id=member.id, purpose=Purpose.MARKETING, version="1.0", door=Door.H5, at=at
            )

    def test_text_of_a_version_is_published_once(self, session: Session, at: datetime) -> None:
        for version in ("1.0", "2.0"):
            text = TextVersion(Purpose.PRIVACY, version, "隐私政策", "…")
            if version == "2.0":
                service.publish_text(session, text=text, actor=STAFF, at=at)
            with pytest.raises(TextVersionTaken):
                service.publish_text(session, text=text, actor=STAFF, at=at)

    def test_the_latest_published_text_is_in_force(self, session: Session, at: datetime) -> None:
        for day, version in enumerate(("2.0", "3.0")):
            service.publish_text(
                session, text=TextVersion(Purpose.PRIVACY, version, "隐私政策", version), actor=STAFF,
                at=at + timedelta(days=day),
            )  # fmt: skip

        versions = {text.purpose: text.version for text in queries.current_texts(session)}
        assert versions == {"service_terms": "1.0", "privacy": "3.0", "marketing": "1.0"}


class TestNotices:
    def test_are_wanted_until_unsubscribed_and_again_after(self, session: Session, at: datetime) -> None:
        member = make_member(session)

        def wants() -> bool:
            return queries.wants(session, member_id=member.id, kind="points_changed")

        assert wants()
        service.set_notice_wanted(session, member_id=member.id, kind="points_changed", is_wanted=False, at=at)
        assert not wants()
        assert queries.unwanted_kinds(session, member_id=member.id) == {"points_changed"}
        assert queries.wants(session, member_id=member.id, kind="member_bound")
        service.set_notice_wanted(session, member_id=member.id, kind="points_changed", is_wanted=True, at=at)

        assert wants()

    def test_are_not_for_who_is_gone(self, session: Session) -> None:
        member = make_member(session, phone=None, status=MemberStatus.CLOSED)

        assert not queries.wants(session, member_id=member.id, kind="points_changed")


class TestKeysOfMembers:
    def test_open_what_they_sealed_for_the_same_member_and_purpose(
        self, session: Session, vault: Vault, at: datetime
    ) -> None:
        mine, theirs = make_member(session), make_member(session)

        def seal(member_id: int, plain: str) -> bytes:
            return keys.seal_for_member(session, vault=vault, member_id=member_id, plain=plain, context="test", at=at)

        first, second = seal(mine.id, "一"), seal(mine.id, "二")
        seal(theirs.id, "三")

        def opened(member_id: int, sealed: bytes) -> str | None:
            return keys.open_for_member(session, vault=vault, member_id=member_id, sealed=sealed, context="test")

        assert [opened(mine.id, first), opened(mine.id, second)] == ["一", "二"]
        with pytest.raises(InvalidTag):
            opened(theirs.id, first)

    def test_of_who_has_none_open_nothing(self, session: Session, vault: Vault) -> None:
        member = make_member(session)

        opened = keys.open_for_member(session, vault=vault, member_id=member.id, sealed=b"x" * 40, context="test")

        assert opened is None


def test_members_are_listed_newest_first_by_store_and_page(session: Session, vault: Vault) -> None:
    members = [make_member(session) for _ in range(3)]

    first = queries.list_members(session, vault=vault, limit=2)
    rest = queries.list_members(session, vault=vault, limit=2, cursor=first.next_cursor)

    assert [view.id for view in (*first.items, *rest.items)] == [member.id for member in reversed(members)]
    assert queries.list_members(session, vault=vault, store_ids=[]).items == []
