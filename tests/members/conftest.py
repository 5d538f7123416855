"""Binding for the tests of members: a phone is bound as both doors do it."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members import service
from loyalty.members.models import Identity, Member
from loyalty.members.service import BindingOutcome
from tests.factories.members import make_consents


@dataclass
class Counter:
    """Binds a phone at one instant, as both doors do."""

    session: Session
    vault: Vault
    at: datetime

    def bind(self, identity: Identity, phone: str, **given: object) -> BindingOutcome:
        values: dict[str, object] = {"consents": make_consents()}
        return service.bind_by_wechat_phone(
            self.session, vault=self.vault, identity_id=identity.id, phone=phone, at=self.at,
            **(values | given),  # type: ignore[arg-type]
        )  # fmt: skip

    def phone_of(self, member_id: int) -> str | None:
        member = self.session.get_one(Member, member_id, populate_existing=True)
        return member.phone_sealed and self.vault.open(member.phone_sealed, context="members.phone")

    def count(self) -> int:
        return self.session.scalar(select(func.count()).select_from(Member)) or 0


@pytest.fixture
def counter(session: Session, vault: Vault, at: datetime) -> Counter:
    return Counter(session, vault, at)
