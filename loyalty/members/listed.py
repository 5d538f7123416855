"""Members listed in a file (名单): whom its lines mean, a page of lines in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import (
    CTE,
    BigInteger,
    LargeBinary,
    Select,
    String,
    bindparam,
    func,
    select,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeEngine

from loyalty.kernel.arrays import SentArray
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member

PHONE_CONTEXT = "members.phone"


class NamingLine(Protocol):
    """A line that names a member by number or by phone."""

    @property
    def number(self) -> int:
        """Of the line in its file."""

    @property
    def member_number(self) -> str | None:
        """The member number, when it names one."""

    @property
    def phone(self) -> str | None:
        """The phone in E.164, when it names one."""


def found_by_lines(**kept: TypeEngine[Any]) -> CTE:
    """Return the lines that ``sent_lines`` sends, with whom they mean: after a merge the survivor.

    Its columns are ``line``, ``member_id`` and ``status``, both empty when the member is unknown, and those of the
    lines that are ``kept``.
    """
    survivor = aliased(Member)

    def by(column: Any, prefix: str, values: str, type_: TypeEngine[Any]) -> Select[Any]:
        sent = {values: type_, f"{prefix}_lines": BigInteger(), **{f"{prefix}_{name}": kept[name] for name in kept}}
        arrays = [bindparam(name, type_=SentArray(item)) for name, item in sent.items()]
        line = func.unnest(*arrays).table_valued("value", "line", *kept, name=prefix).render_derived().c
        return (
            select(line.line, survivor.id.label("member_id"), survivor.status, *(line[name] for name in kept))
            .outerjoin_from(line.line.table, Member, column == line.value)
            .outerjoin(survivor, survivor.id == func.coalesce(Member.merged_into_id, Member.id))
        )

    return union_all(
        by(Member.number, "numbered", "numbers", String()),
        by(Member.phone_index, "phoned", "indexes", LargeBinary()),
    ).cte("found")


def sent_lines(vault: Vault, lines: Sequence[NamingLine], *kept: str) -> Mapping[str, Any]:
    """Return lines as the parameters of ``found_by_lines``; ``kept`` names attributes of theirs."""
    numbered = [line for line in lines if line.member_number is not None]
    phoned = [(line, line.phone) for line in lines if line.phone is not None]
    return {
        "numbers": [line.member_number for line in numbered],
        "indexes": [vault.index(phone, context=PHONE_CONTEXT) for _line, phone in phoned],
        **_columns("numbered", numbered, kept),
        **_columns("phoned", [line for line, _phone in phoned], kept),
    }


def _columns(prefix: str, lines: Sequence[NamingLine], kept: Sequence[str]) -> Mapping[str, Any]:
    numbers = {f"{prefix}_lines": [line.number for line in lines]}
    return numbers | {f"{prefix}_{name}": [getattr(line, name) for line in lines] for name in kept}
