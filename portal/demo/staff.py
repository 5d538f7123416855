"""Demo staff: one person of every role, all with the same documented password."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Session
from loyalty.staff import queries
from loyalty.staff.rules import Role, actor_name
from loyalty.staff.service import create_staff
from portal.demo.chain import ACTOR, HEADQUARTERS

PASSWORD = "Trial-2026-demo"  # noqa: S105 - printed for everybody to use, refused in production


@dataclass(frozen=True, slots=True)
class Person:
    """One account; ``scope`` is the code of the node whose branch they see."""

    username: str
    name: str
    role: Role
    scope: str = HEADQUARTERS


STAFF = (
    Person("hq_admin", "陈总部", Role.HEADQUARTERS_ADMIN),
    Person("marketer", "林运营", Role.MARKETER),
    Person("finance", "周财务", Role.FINANCE),
    Person("risk", "郑风控", Role.RISK),
    Person("region_manager", "黄华东", Role.REGION_MANAGER, "EAST"),
    Person("store_manager", "吴店长", Role.STORE_MANAGER, "SH-JAS"),
    Person("clerk", "孙店员", Role.CLERK, "SH-JAS"),
    Person("auditor", "何审计", Role.AUDITOR),
)


def actor_of(session: Session, *, username: str) -> Actor:
    """Return one of them as the audit log names them."""
    account = queries.find_by_username(session, username=username)
    assert account is not None, "the staff are seeded first"
    return Actor(actor_name(account.id))


def seed_staff(session: Session, *, store_ids: Mapping[str, int], at: datetime) -> int:
    """Make the accounts that are missing; return how many."""
    missing = [one for one in STAFF if queries.find_by_username(session, username=one.username) is None]
    for person in missing:
        create_staff(
            session,
            username=person.username,
            name=person.name,
            password=PASSWORD,
            roles=[person.role],
            store_ids=[store_ids[person.scope]],
            must_change_password=False,
            actor=ACTOR,
            at=at,
        )
    return len(missing)
