"""Matching: a condition as one statement over ids of members, composed of the sources of its facts.

What has to hold in any case becomes a semi-join or an anti-join with whom a fact finds; what stands under "any" a
semi-join with the union of its parts. Never a sub-select for each row: a million members stay a few sets to merge,
whatever is asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, exists, false, func, select, true, union_all
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.points.posting import constant
from loyalty.segments.rules.conditions import All, AnyOf, Condition, Not
from loyalty.segments.rules.fact_types import Fact
from loyalty.segments.sources import source_of
from loyalty.segments.sources.parts import Asked, IdSpan, Source, Who

_IS_LIVING = Member.status.in_([constant(status) for status in LIVING])
"""Whom any condition may find. Literal, so that every plan can use the index of living members."""


def members_matching(
    condition: Condition, *, at: datetime, zone: ZoneInfo, vault: Vault, span: IdSpan | None = None
) -> Select[Any]:
    """Select the ids of all living members for whom a condition holds at an instant, each once, in no order.

    The one column is ``member_id``. Wrap it as a subquery to narrow it, or add ``where`` with columns of ``Member``.
    ``span`` narrows every part of it to a range of ids, for work in pages. Call ``plan_by_sets`` before.
    """
    return _members(_plain(condition), Asked(at, zone, vault), span)


def plan_by_sets(session: Session) -> None:
    """Let the statements of this transaction that match members join whole sets; before any of them.

    How many members a condition finds is guessed badly, and a row by row join of a million where a few were expected
    takes minutes. Merging whole sets in the order of members takes a second at most, whatever was expected.
    """
    session.execute(_BY_SETS)


_BY_SETS = select(
    func.set_config("enable_nestloop", "off", True),
    # Most sets come from an index in the order of members, and the others are sorted faster than a hash of as many is
    # filled and asked, each time at another place of memory.
    func.set_config("enable_hashjoin", "off", True),
    func.set_config("enable_hashagg", "off", True),
    func.set_config("work_mem", "64MB", True),
    # A statement of a second compiles for longer than it runs.
    func.set_config("jit", "off", True),
)


@dataclass(frozen=True, slots=True)
class _Leaf:
    fact: Fact
    is_turned: bool


@dataclass(frozen=True, slots=True)
class _Every:
    parts: tuple["_Part", ...]


@dataclass(frozen=True, slots=True)
class _Some:
    parts: tuple["_Part", ...]


_Part = _Leaf | _Every | _Some


def _plain(condition: Condition, is_turned: bool = False) -> _Part:
    """Return a condition with every "not" carried down to the facts."""
    match condition:
        case Not(part):
            return _plain(part, not is_turned)
        case All(several) | AnyOf(several):
            parts = tuple(_plain(part, is_turned) for part in several)
            return _Every(parts) if isinstance(condition, All) != is_turned else _Some(parts)
        case _:
            return _Leaf(condition, is_turned)


def _members(part: _Part, asked: Asked, span: IdSpan | None) -> Select[Any]:
    statement = select(Member.id.label("member_id")).where(_IS_LIVING)
    if span is not None:
        statement = statement.where(span.covers(Member.id.expression))
    return statement.where(*(_holds(each, asked, span) for each in _required(part)))


def _required(part: _Part) -> Iterator[_Leaf | _Some]:
    """Yield what has to hold in any case."""
    if isinstance(part, _Every):
        for each in part.parts:
            yield from _required(each)
    else:
        yield part


def _holds(part: _Leaf | _Some, asked: Asked, span: IdSpan | None) -> ColumnElement[bool]:
    if isinstance(part, _Some):
        if not part.parts:
            return false()
        return _is_among(select(union_all(*(_ids(each, asked, span) for each in part.parts)).subquery()))
    source = _source(part, asked, span)
    if not isinstance(source, Who):
        return source
    return ~_is_among(source.ids) if source.is_absent else _is_among(source.ids)


def _ids(part: _Part, asked: Asked, span: IdSpan | None) -> Select[Any]:
    """Select whom one of several parts finds, perhaps several times, and perhaps members who are gone."""
    if isinstance(part, _Leaf):
        source = _source(part, asked, span)
        if isinstance(source, Who) and not source.is_absent:
            return source.ids
    return _members(part, asked, span)


def _is_among(ids: Select[Any]) -> ColumnElement[bool]:
    """Ask by exists: PostgreSQL joins also the opposite of that, but never the opposite of an in."""
    found = ids.subquery()
    return exists().where(found.c[0] == Member.id)


def _source(part: _Leaf, asked: Asked, span: IdSpan | None) -> Source:
    source = source_of(part.fact, asked)
    if not isinstance(source, Who):
        # What is not known of a member, such as a store, is not so.
        return source.is_not(true()) if part.is_turned else source
    turned = source.turned() if part.is_turned else source
    return turned if span is None else turned.within(span)
