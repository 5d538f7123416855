"""Provisional members under fire: many tills with one phone, and the person who comes on the night of the erasure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members import service
from loyalty.members.models import Member
from loyalty.members.rules.binding import BindingKind
from loyalty.members.rules.members import PROVISIONAL_FOR
from loyalty.members.service import enrol_provisional
from loyalty.points.models import PointsAccount
from loyalty.privacy.service import erase_unconfirmed
from tests.factories.members import make_consents, make_identity, unused_phone
from tests.factories.points import earn
from tests.support.races import at_once


def test_many_tills_with_one_phone_make_one_member(committed_database: Database, vault: Vault, at: datetime) -> None:
    phone = unused_phone()

    enrolled = at_once([
        lambda: run(
            committed_database, lambda session: enrol_provisional(session, vault, phone=phone, store_id=None, at=at)
        )
    ] * 8)  # fmt: skip

    assert len({one.member_id for one in enrolled}) == 1  # type: ignore[union-attr]
    assert sum(one.is_new for one in enrolled) == 1  # type: ignore[union-attr]


def test_the_person_and_the_night_meet_and_one_of_them_has_the_member(
    committed_database: Database, vault: Vault, zone: ZoneInfo, at: datetime
) -> None:
    phone, due_at = unused_phone(), at + PROVISIONAL_FOR

    def begin(session: Session) -> tuple[int, int]:
        member_id = enrol_provisional(session, vault, phone=phone, store_id=None, at=at).member_id
        earn(session, member_id, 30, at=at)
        return member_id, make_identity(session).id

    member_id, identity_id = run(committed_database, begin)

    def come(session: Session) -> object:
        return service.bind_by_wechat_phone(
            session, vault=vault, identity_id=identity_id, phone=phone, consents=make_consents(), at=due_at
        )

    def night(session: Session) -> object:
        return erase_unconfirmed(session, vault=vault, zone=zone, at=due_at, limit=100)

    outcome, _erased = at_once([lambda: run(committed_database, come), lambda: run(committed_database, night)])

    with committed_database.session() as session:
        status = session.scalar(select(Member.status).where(Member.id == member_id))
        balance = session.scalar(select(PointsAccount.balance).where(PointsAccount.member_id == member_id))
    kind = outcome.kind  # type: ignore[union-attr]
    assert (kind, status, balance) in [
        (BindingKind.CONFIRMED, "active", 30), (BindingKind.ENROLLED, "closed", 0),
    ]  # fmt: skip
