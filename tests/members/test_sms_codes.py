"""SMS codes: six digits, five minutes, five tries, once; and no oracle about who is a member."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members import service
from loyalty.members.models import SmsCode
from loyalty.members.rules.phones import PhoneInvalid
from loyalty.members.rules.sms_codes import CodePurpose, CodeWrong, TooManyCodes
from tests.factories.members import make_identity, make_member, unused_phone
from tests.support.statements import StatementCounter


class Desk:
    """One identity that asks for codes and tries them."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database, self.vault = database, vault
        self.identity_id = run(database, lambda session: make_identity(session).id)
        self.phone = unused_phone()

    def request(self, at: datetime, **given: object) -> service.SmsRequest:
        values: dict[str, object] = {
            "identity_id": self.identity_id, "phone": self.phone, "purpose": CodePurpose.BIND,
            "device": "d1", "ip": "203.0.113.9",
        }  # fmt: skip
        return run(
            self.database,
            lambda session: service.request_sms_code(
                session,
                vault=self.vault,
                at=at,
                **(values | given),  # type: ignore[arg-type]
            ),
        )

    def prove(self, code: str, at: datetime, **given: object) -> service.PhoneProof:
        values: dict[str, object] = {
            "identity_id": self.identity_id, "phone": self.phone, "purpose": CodePurpose.BIND,
        }  # fmt: skip
        return service.prove_phone_by_sms(
            self.database,
            vault=self.vault,
            code=code,
            at=at,
            **(values | given),  # type: ignore[arg-type]
        )


@pytest.fixture
def desk(database: Database, vault: Vault) -> Desk:
    return Desk(database, vault)


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


class TestProving:
    def test_a_phone_by_the_right_code(self, desk: Desk, at: datetime) -> None:
        code = desk.request(at).code

        proof = desk.prove(code, at + timedelta(minutes=4, seconds=59))

        assert len(code) == 6
        assert proof.phone == desk.phone

    def test_works_once(self, desk: Desk, at: datetime) -> None:
        code = desk.request(at).code
        desk.prove(code, at)

        with pytest.raises(CodeWrong):
            desk.prove(code, at)

    def test_ends_after_five_minutes(self, desk: Desk, at: datetime) -> None:
        code = desk.request(at).code

        with pytest.raises(CodeWrong):
            desk.prove(code, at + timedelta(minutes=5))

    def test_ends_after_five_wrong_tries(self, desk: Desk, at: datetime) -> None:
        code = desk.request(at).code
        for _ in range(5):
            with pytest.raises(CodeWrong):
                desk.prove(_wrong(code), at)

        with pytest.raises(CodeWrong):
            desk.prove(code, at)

    def test_forgives_four_wrong_tries(self, desk: Desk, at: datetime) -> None:
        code = desk.request(at).code
        for _ in range(4):
            with pytest.raises(CodeWrong):
                desk.prove(_wrong(code), at)

        assert desk.prove(code, at).phone == desk.phone

    def test_takes_the_latest_code_only(self, desk: Desk, at: datetime) -> None:
        first = desk.request(at).code
        second = desk.request(at + timedelta(minutes=1)).code

        if first != second:
            with pytest.raises(CodeWrong):
                desk.prove(first, at + timedelta(minutes=1))
        assert desk.prove(second, at + timedelta(minutes=1)).phone == desk.phone

    def test_is_bound_to_identity_phone_and_purpose(self, desk: Desk, database: Database, at: datetime) -> None:
        code = desk.request(at).code
        stranger = run(database, lambda session: make_identity(session).id)

        for changed in ({"identity_id": stranger}, {"phone": unused_phone()}, {"purpose": CodePurpose.MERGE}):
            with pytest.raises(CodeWrong):
                desk.prove(code, at, **changed)

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\x00" * 6, "😀"])
    def test_refuses_what_is_no_code(self, desk: Desk, at: datetime, code: str) -> None:
        desk.request(at)

        with pytest.raises(CodeWrong):
            desk.prove(code, at)

    def test_refuses_a_phone_that_is_none(self, desk: Desk, at: datetime) -> None:
        with pytest.raises(PhoneInvalid):
            desk.request(at, phone="12345")


class TestRateLimits:
    def test_one_a_minute_for_a_phone(self, desk: Desk, database: Database, at: datetime) -> None:
        desk.request(at)
        stranger = run(database, lambda session: make_identity(session).id)

        with pytest.raises(TooManyCodes) as refusal:
            desk.request(at + timedelta(seconds=59), identity_id=stranger, device="d2", ip="203.0.113.10")

        assert refusal.value.details == {"retry_after_seconds": 60}
        assert desk.request(at + timedelta(seconds=60), identity_id=stranger).phone == desk.phone

    def test_five_an_hour_for_a_phone(self, desk: Desk, at: datetime) -> None:
        for minute in range(5):
            desk.request(at + timedelta(minutes=minute))

        with pytest.raises(TooManyCodes):
            desk.request(at + timedelta(minutes=59))
        desk.request(at + timedelta(minutes=60))

    def test_eight_an_hour_for_a_visitor(self, desk: Desk, at: datetime) -> None:
        for number in range(8):
            desk.request(at, phone=unused_phone(), device=f"d{number}", ip=f"203.0.113.{number}")

        with pytest.raises(TooManyCodes):
            desk.request(at, phone=unused_phone(), device="d9", ip="203.0.113.99")

    def test_eight_an_hour_for_a_member_through_all_their_identities(
        self, desk: Desk, database: Database, at: datetime
    ) -> None:
        def doors(session: Session) -> list[int]:
            member = make_member(session)
            return [make_identity(session, member=member, appid=f"wx_{number}").id for number in range(2)]

        oa, mp = run(database, doors)
        for number in range(8):
            desk.request(
                at, identity_id=(oa, mp)[number % 2], phone=unused_phone(), device=None, ip=f"203.0.113.{number}"
            )

        with pytest.raises(TooManyCodes):
            desk.request(at, identity_id=oa, phone=unused_phone(), device=None, ip="203.0.113.99")

    def test_ten_an_hour_for_a_device(self, desk: Desk, database: Database, at: datetime) -> None:
        for number in range(10):
            identity_id = run(database, lambda session: make_identity(session).id)
            desk.request(at, identity_id=identity_id, phone=unused_phone(), ip=f"203.0.113.{number}")

        with pytest.raises(TooManyCodes):
            desk.request(at, phone=unused_phone(), ip="203.0.113.99")
        desk.request(at, phone=unused_phone(), ip="203.0.113.99", device=None)

    def test_sixty_an_hour_for_an_address(self, desk: Desk, database: Database, at: datetime) -> None:
        for number in range(60):
            if number % 8 == 0:
                identity_id = run(database, lambda session: make_identity(session).id)
            desk.request(at, identity_id=identity_id, phone=unused_phone(), device=None)

        with pytest.raises(TooManyCodes):
            desk.request(at, phone=unused_phone(), device=None)

    def test_a_refused_request_leaves_no_code(self, desk: Desk, database: Database, at: datetime) -> None:
        desk.request(at)
        with pytest.raises(TooManyCodes):
            desk.request(at)

        assert run(database, lambda session: session.scalar(select(func.count()).select_from(SmsCode))) == 1


class TestNoOracle:
    def test_a_known_and_an_unknown_phone_get_the_same_answer_by_the_same_statements(
        self, desk: Desk, database: Database, at: datetime, statements: StatementCounter
    ) -> None:
        known = unused_phone()
        run(database, lambda session: make_member(session, phone=known).id)

        sent = []
        for phone in (known, unused_phone()):
            statements.clear()
            request = desk.request(at, phone=phone)
            with pytest.raises(CodeWrong) as refusal:
                desk.prove(_wrong(request.code), at, phone=phone)
            sent.append((list(statements.sent), refusal.value.details))

        assert sent[0] == sent[1]

    def test_an_unasked_and_a_wrong_code_get_the_same_refusal(self, desk: Desk, at: datetime) -> None:
        with pytest.raises(CodeWrong) as unasked:
            desk.prove("123456", at)
        code = desk.request(at).code
        with pytest.raises(CodeWrong) as wrong:
            desk.prove(_wrong(code), at)

        assert unasked.value.details == wrong.value.details == {}


def test_neither_code_nor_phone_nor_address_is_stored_in_clear(desk: Desk, session: Session, at: datetime) -> None:
    request = desk.request(at)

    row = str(session.scalar(select(cast(func.to_jsonb(SmsCode.__table__.table_valued()), String))))

    assert "code_hmac" in row
    for secret in (request.code, request.phone, request.phone.removeprefix("+86"), "203.0.113.9"):
        assert secret not in row
        assert secret.encode().hex() not in row
