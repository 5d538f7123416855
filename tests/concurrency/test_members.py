"""Members under fire: whatever the timing, one phone has one member and one code one use."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.members import queries, service
from loyalty.members.models import Identity, Member
from loyalty.members.rules.binding import BindingKind
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.sms_codes import CodePurpose, CodeWrong, TooManyCodes
from loyalty.members.service import BindingOutcome
from tests.factories.members import (
    make_consents,
    make_identity,
    make_member,
    unused_openid,
    unused_phone,
    unused_unionid,
)
from tests.support.races import at_once


def _visitors(database: Database, count: int, **given: object) -> list[int]:
    return run(
        database,
        lambda session: [make_identity(session, **given).id for _ in range(count)],  # type: ignore[arg-type]
    )


def _binding(database: Database, vault: Vault, identity_id: int, phone: str, at: datetime) -> BindingOutcome:
    return run(
        database,
        lambda session: service.bind_by_wechat_phone(
            session, vault=vault, identity_id=identity_id, phone=phone, consents=make_consents(), at=at
        ),
    )


def _holders(database: Database, vault: Vault, phone: str) -> int:
    index = vault.index(phone, context="members.phone")
    query = select(func.count()).select_from(Member).where(Member.phone_index == index)
    return run(database, lambda session: session.scalar(query)) or 0


class TestBinding:
    def test_two_identities_with_one_phone_become_one_member(
        self, committed_database: Database, vault: Vault, at: datetime
    ) -> None:
        database, phone = committed_database, unused_phone()
        oa = _visitors(database, 1)[0]
        mp = _visitors(database, 1, kind=IdentityKind.MINI_PROGRAM)[0]

        outcomes = at_once([lambda i=i: _binding(database, vault, i, phone, at) for i in (oa, mp)])

        kinds = {outcome.kind for outcome in outcomes if isinstance(outcome, BindingOutcome)}
        assert kinds == {BindingKind.ENROLLED, BindingKind.JOINED}
        assert _holders(database, vault, phone) == 1

    def test_many_openids_of_one_appid_with_one_phone_leave_one_owner(
        self, committed_database: Database, vault: Vault, at: datetime
    ) -> None:
        database, phone = committed_database, unused_phone()
        visitors = _visitors(database, 8)

        outcomes = at_once([lambda i=i: _binding(database, vault, i, phone, at) for i in visitors])

        kinds = [outcome.kind for outcome in outcomes if isinstance(outcome, BindingOutcome)]
        assert kinds.count(BindingKind.ENROLLED) == 1
        assert kinds.count(BindingKind.NEEDS_SECOND_PROOF) == 7
        assert _holders(database, vault, phone) == 1

    def test_one_identity_with_two_phones_becomes_one_member(
        self, committed_database: Database, vault: Vault, at: datetime
    ) -> None:
        database = committed_database
        visitor = _visitors(database, 1)[0]
        phones = [unused_phone(), unused_phone()]

        outcomes = at_once([lambda p=p: _binding(database, vault, visitor, p, at) for p in phones])

        kinds = sorted(outcome.kind for outcome in outcomes if isinstance(outcome, BindingOutcome))
        assert kinds == [BindingKind.ENROLLED, BindingKind.PHONE_DIFFERS]
        assert sum(_holders(database, vault, phone) for phone in phones) == 1

    def test_two_doors_of_one_unionid_with_two_phones_become_one_member(
        self, committed_database: Database, vault: Vault, at: datetime
    ) -> None:
        database, unionid = committed_database, unused_unionid()
        doors = [_visitors(database, 1, kind=kind, unionid=unionid)[0] for kind in IdentityKind]
        phones = [unused_phone(), unused_phone()]

        at_once([lambda i=i, p=p: _binding(database, vault, i, p, at) for i, p in zip(doors, phones, strict=True)])

        members = run(database, lambda session: queries.members_by_unionid(session, unionid=unionid))
        assert len(members) == 1
        assert sum(_holders(database, vault, phone) for phone in phones) == 1

    def test_a_double_tap_enrols_once(self, committed_database: Database, vault: Vault, at: datetime) -> None:
        database, phone = committed_database, unused_phone()
        visitor = _visitors(database, 1)[0]

        outcomes = at_once([lambda: _binding(database, vault, visitor, phone, at)] * 8)

        kinds = [outcome.kind for outcome in outcomes if isinstance(outcome, BindingOutcome)]
        assert sorted(kinds) == [BindingKind.ALREADY_BOUND] * 7 + [BindingKind.ENROLLED]

    def test_two_members_who_want_each_others_phones_are_both_answered(
        self, committed_database: Database, vault: Vault, at: datetime
    ) -> None:
        database, phones = committed_database, [unused_phone(), unused_phone()]
        identities = run(
            database,
            lambda session: [make_identity(session, member=make_member(session, phone=phone)).id for phone in phones],
        )

        outcomes = at_once(
            [
                lambda: _binding(database, vault, identities[0], phones[1], at),
                lambda: _binding(database, vault, identities[1], phones[0], at),
            ]
        )

        kinds = [outcome.kind for outcome in outcomes if isinstance(outcome, BindingOutcome)]
        assert kinds == [BindingKind.NEEDS_SECOND_PROOF] * 2


class TestCodes:
    def _request(self, database: Database, vault: Vault, identity_id: int, phone: str, at: datetime) -> str:
        return run(
            database,
            lambda session: service.request_sms_code(
                session, vault=vault, identity_id=identity_id, phone=phone, purpose=CodePurpose.BIND,
                device=None, ip=unused_openid(), at=at,
            ),
        ).code  # fmt: skip

    def _prove(
        self, database: Database, vault: Vault, identity_id: int, phone: str, code: str, at: datetime
    ) -> service.PhoneProof:
        return service.prove_phone_by_sms(
            database, vault=vault, identity_id=identity_id, phone=phone, code=code,
            purpose=CodePurpose.BIND, at=at,
        )  # fmt: skip

    def test_a_right_code_is_used_once_by_fifty_tries(
        self, committed_database: Database, vault: Vault, at: datetime
    ) -> None:
        database, phone = committed_database, unused_phone()
        visitor = _visitors(database, 1)[0]
        code = self._request(database, vault, visitor, phone, at)

        answers = at_once([lambda: self._prove(database, vault, visitor, phone, code, at)] * 50)

        assert sum(isinstance(answer, service.PhoneProof) for answer in answers) == 1
        assert sum(isinstance(answer, CodeWrong) for answer in answers) == 49

    def test_fifty_guesses_at_once_are_five(self, committed_database: Database, vault: Vault, at: datetime) -> None:
        database, phone = committed_database, unused_phone()
        visitor = _visitors(database, 1)[0]
        code = int(self._request(database, vault, visitor, phone, at))
        guesses = [f"{(code + number) % 10**6:06d}" for number in range(1, 51)]

        at_once([lambda g=g: self._prove(database, vault, visitor, phone, g, at) for g in guesses])

        last = at_once([lambda: self._prove(database, vault, visitor, phone, f"{code:06d}", at)])
        assert isinstance(last[0], CodeWrong)

    def test_twenty_requests_at_once_send_one(self, committed_database: Database, vault: Vault, at: datetime) -> None:
        database, phone = committed_database, unused_phone()
        visitors = _visitors(database, 20)

        answers = at_once([lambda v=v: self._request(database, vault, v, phone, at) for v in visitors])

        assert sum(isinstance(answer, str) for answer in answers) == 1
        assert sum(isinstance(answer, TooManyCodes) for answer in answers) == 19


class TestIdentities:
    def test_one_openid_seen_twice_at_once_is_one_identity(self, committed_database: Database, at: datetime) -> None:
        database, openid = committed_database, unused_openid()

        def seen(session: Session) -> int:
            return service.identify(
                session, appid="wx_race", openid=openid, unionid=None, kind=IdentityKind.MINI_PROGRAM, at=at
            ).id

        ids = at_once([lambda: run(database, seen)] * 8)

        assert len(set(ids)) == 1

    def test_who_is_identified_while_another_door_enrols_them_is_joined_at_the_next_visit(
        self, committed_database: Database, vault: Vault, at: datetime
    ) -> None:
        database, unionid, openid = committed_database, unused_unionid(), unused_openid()
        visitor = _visitors(database, 1, unionid=unionid)[0]

        def seen(session: Session) -> int | None:
            return service.identify(
                session, appid="wx_race", openid=openid, unionid=unionid, kind=IdentityKind.MINI_PROGRAM, at=at
            ).member_id

        at_once([lambda: _binding(database, vault, visitor, unused_phone(), at), lambda: run(database, seen)])

        member_id = run(database, lambda session: session.get_one(Identity, visitor).member_id)
        assert run(database, seen) == member_id is not None


class TestSecondProof:
    def test_staff_claimant_and_clock_decide_once(
        self, committed_database: Database, vault: Vault, at: datetime
    ) -> None:
        database, phone = committed_database, unused_phone()
        run(database, lambda s: make_member(s, phone=phone, last_active_at=at - timedelta(days=300)).id)
        visitor = _visitors(database, 1)[0]
        review_id = _binding(database, vault, visitor, phone, at).review_id
        assert review_id is not None
        code = run(database, lambda s: service.binding_code(s, vault=vault, review_id=review_id, at=at).code)

        answers = at_once([
            lambda: service.prove_by_review_code(
                database, vault=vault, review_id=review_id, identity_id=visitor, code=code, at=at
            ),
            lambda: run(database, lambda s: service.decide_by_staff(
                s, vault=vault, review_id=review_id, is_same_person=False, reason="r", actor=Actor("staff:1"), at=at
            )),
            lambda: run(database, lambda s: service.decline_second_proof(
                s, vault=vault, review_id=review_id, identity_id=visitor, at=at
            )),
        ])  # fmt: skip

        assert sum(isinstance(answer, BindingOutcome) for answer in answers) == 1
        assert _holders(database, vault, phone) == 1


def test_a_session_revoked_while_it_is_renewed_stays_revoked(committed_database: Database, at: datetime) -> None:
    database = committed_database
    visitor = _visitors(database, 1)[0]
    token = run(database, lambda s: service.open_session(s, identity_id=visitor, door=Door.H5, at=at))
    caller = service.authenticate(database, token=token, door=Door.H5, at=at)
    later = at + timedelta(days=2)

    at_once(
        [
            lambda: service.authenticate(database, token=token, door=Door.H5, at=later).session_id,
            lambda: run(database, lambda s: service.revoke_session(s, session_id=caller.session_id, at=later)),
        ]
    )

    after = at_once([lambda: service.authenticate(database, token=token, door=Door.H5, at=later)])
    assert isinstance(after[0], LoyaltyError)
