"""Who gets no marketing at all: by their own word, by ours, or because they are gone. Asked wherever a message may go.

Each set is a selection of member ids, so that one member and a million are asked about alike.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    exists,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from loyalty.broadcasts.rules.states import Reason
from loyalty.members.models import Consent, Member, NoticePreference
from loyalty.members.queries import LIVING
from loyalty.members.rules.consents import Purpose
from loyalty.notices.rules import NoticeKind
from loyalty.risk.models import Block
from loyalty.risk.rules.blocks import BlockKind

Instant = datetime | BindParameter[Any]
_LIVING = [literal_column(f"'{status}'", String) for status in LIVING]


def refusal_of(member_id: ColumnElement[Any], *, at: Instant) -> ColumnElement[Any]:
    """Return why a member gets no marketing; null for who may be written to."""
    person = aliased(Member)
    living = exists().where(person.id == member_id, person.status.in_(_LIVING))
    found: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (~living, literal_column(f"'{Reason.GONE}'", String))
    ]
    for reason, members in refusing(at):
        some = members.subquery()
        found.append((exists().where(some.c.member_id == member_id), literal_column(f"'{reason}'", String)))
    return case(*found, else_=null())


def refusing(at: Instant) -> list[tuple[Reason, Select[Any]]]:
    """Return who refuses marketing or is refused it, by why; the first reason is told."""
    return [
        (Reason.UNSUBSCRIBED, _unsubscribed()),
        (Reason.CONSENT_WITHDRAWN, _withdrawn()),
        (Reason.BLOCKED, _blocked(at)),
    ]


def _unsubscribed() -> Select[Any]:
    return select(NoticePreference.member_id).where(
        NoticePreference.kind == literal_column(f"'{NoticeKind.CAMPAIGN}'", String),
        NoticePreference.is_wanted.is_(False),
    )


def _withdrawn() -> Select[Any]:
    standing, marketing = aliased(Consent), literal_column(f"'{Purpose.MARKETING}'", String)
    stands = exists().where(
        standing.member_id == Consent.member_id, standing.purpose == marketing, standing.withdrawn_at.is_(None)
    )
    return select(Consent.member_id).where(Consent.purpose == marketing, Consent.withdrawn_at.is_not(None), ~stands)


def _blocked(at: Instant) -> Select[Any]:
    is_live = and_(Block.lifted_at.is_(None), or_(Block.expires_at.is_(None), Block.expires_at > at))
    named = select(Block.member_id).where(Block.kind == BlockKind.MEMBER, is_live)
    by_phone = and_(Block.kind == BlockKind.PHONE, Block.value_index == Member.phone_index)
    found = union_all(named, select(Member.id).join(Block, by_phone).where(is_live)).subquery()
    return select(found.c.member_id)
