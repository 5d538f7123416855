"""Tagging many members at once from a list (批量打标签): all of them or, where one line is wrong, none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import HOLDING, lock_members
from loyalty.stores.rules import StoreScope
from loyalty.tags.rules.lines import (
    GONE,
    UNKNOWN,
    UNREADABLE,
    Line,
    LineProblem,
    TagLinesRefused,
    doubled,
    read_lines,
)
from loyalty.tags.service.tagging import check_usable, put, take
from loyalty.tags.service.vocabulary import locked_tag

_Key = str | bytes


@dataclass(frozen=True, slots=True)
class Changed:
    """How many members a list changed, and how many were so already."""

    changed: int
    unchanged: int


def tag_many(
    session: Session, vault: Vault, *, tag_id: int, text: str, scope: StoreScope, actor: Actor, at: datetime
) -> Changed:
    """Put a tag on every member of a list: member numbers or phones, one a line, at most ``LINES_MAX``.

    Whoever is outside of ``scope`` is as unknown as who does not exist.

    Raises:
        TagNotFound: there is no such tag.
        TagArchived: it is put on nobody any more.
        InvalidTagLines: there is no line, or there are too many.
        TagLinesRefused: some lines are wrong; nothing was done.
    """
    lines = read_lines(text)
    check_usable(session, tag_id=tag_id)
    member_ids = _members(session, vault, lines, scope)
    changed = put(session, tag_id=tag_id, member_ids=member_ids, actor=actor, at=at)
    return _told(session, "tags.tag_many", tag_id, changed, member_ids, actor, at)


def untag_many(
    session: Session, vault: Vault, *, tag_id: int, text: str, scope: StoreScope, actor: Actor, at: datetime
) -> Changed:
    """Take a tag, which may be archived, from every member of a list; the list as for ``tag_many``.

    Raises:
        TagNotFound: there is no such tag.
        InvalidTagLines: there is no line, or there are too many.
        TagLinesRefused: some lines are wrong; nothing was done.
    """
    lines = read_lines(text)
    locked_tag(session, tag_id=tag_id, is_shared=True)
    member_ids = _members(session, vault, lines, scope)
    changed = take(session, tag_id=tag_id, member_ids=member_ids)
    return _told(session, "tags.untag_many", tag_id, changed, member_ids, actor, at)


def _members(session: Session, vault: Vault, lines: Sequence[Line], scope: StoreScope) -> list[int]:
    """Return and lock the members that lines mean.

    Raises:
        TagLinesRefused: a line means nobody, somebody who is gone, or the same as another.
    """
    keys = {line.number: key for line in lines if (key := _key(line, vault)) is not None}
    found = _find(session, keys.values())
    meant: dict[int, int] = {}
    problems = []
    for line in lines:
        member = found.get(keys.get(line.number, ""))
        reason = _refusal(line, member, meant, scope)
        if reason is not None:
            problems.append(LineProblem(line.number, reason))
        elif member is not None:
            meant[member.id] = line.number
    if problems:
        raise TagLinesRefused(problems)
    return list(meant)


def _key(line: Line, vault: Vault) -> _Key | None:
    if line.phone is not None:
        return vault.index(line.phone, context="members.phone")
    return line.member_number


def _find(session: Session, keys: Collection[_Key]) -> Mapping[_Key, Member]:
    """Lock the members with these numbers and phone indexes; return each under both."""
    numbers = [key for key in keys if isinstance(key, str)]
    indexes = [key for key in keys if isinstance(key, bytes)]
    ids = session.scalars(select(Member.id).where(or_(Member.number.in_(numbers), Member.phone_index.in_(indexes))))
    found: dict[_Key, Member] = {}
    for member in lock_members(session, member_ids=ids.all()).values():
        found[member.number] = member
        if member.phone_index is not None:
            found[member.phone_index] = member
    return found


def _refusal(line: Line, member: Member | None, meant: Mapping[int, int], scope: StoreScope) -> str | None:
    if line.member_number is None and line.phone is None:
        return UNREADABLE
    if member is None or not scope.covers(member.enrolled_store_id):
        return UNKNOWN
    if member.status not in HOLDING:
        return GONE
    return doubled(meant[member.id]) if member.id in meant else None


def _told(
    session: Session,
    action: str,
    tag_id: int,
    changed: Sequence[int],
    member_ids: Sequence[int],
    actor: Actor,
    at: datetime,
) -> Changed:
    if changed:
        after = {"member_ids": sorted(changed)}
        audit.write(session, actor=actor, action=action, subject=f"tag:{tag_id}", after=after, at=at)
    return Changed(len(changed), len(member_ids) - len(changed))
