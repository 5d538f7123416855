"""Writing commissions: a page of rows in one statement; those of a corrected order are written anew."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, DateTime, String, bindparam, cast, func, select
from sqlalchemy import column as named_column
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from loyalty.commissions.models import Commission
from loyalty.commissions.rules.reckoning import to_json
from loyalty.commissions.rules.states import CommissionState
from loyalty.commissions.rules.window import approves_at
from loyalty.commissions.service.judging import Claim
from loyalty.kernel.arrays import SentArray
from loyalty.points.posting import table_of

_TABLE = table_of(Commission)
_SENT: Mapping[str, TypeEngine[Any]] = {
    "order_id": BigInteger(),
    "level": BigInteger(),
    "order_version": BigInteger(),
    "member_id": BigInteger(),
    "referee_id": BigInteger(),
    "referral_id": BigInteger(),
    "plan_id": BigInteger(),
    "state": String(),
    "reason": String(),
    "base_fen": BigInteger(),
    "amount_fen": BigInteger(),
    "limited_by": String(),
    "parts": String(),
    "store_id": BigInteger(),
    "paid_at": DateTime(timezone=True),
    "capped_on": Date(),
    "approves_at": DateTime(timezone=True),
}
Serials = Mapping[tuple[int, int], int]
"""Of orders and levels that were written, the serial."""


def write(session: Session, *, claims: Sequence[Claim], at: datetime) -> Serials:
    """Keep what orders earn or miss; what is known of the same version of its order is passed over."""
    if not claims:
        return {}
    rows = [_row(claim) for claim in claims]
    sent: dict[str, Any] = {f"given_{name}": [row[name] for row in rows] for name in _SENT}
    written = session.execute(_WRITE, {**sent, "accrued_at": at})
    return {(row.order_id, row.level): row.serial for row in written}


def _row(claim: Claim) -> dict[str, Any]:
    order = claim.order
    return {
        "order_id": order.id,
        "level": claim.level,
        "order_version": order.version,
        "member_id": claim.member_id,
        "referee_id": claim.referee_id,
        "referral_id": claim.referral_id,
        "plan_id": claim.view.id,
        "state": CommissionState.PENDING if claim.reason is None else CommissionState.MISSED,
        "reason": claim.reason,
        "base_fen": claim.base_fen,
        "amount_fen": claim.amount_fen,
        "limited_by": claim.limited_by,
        "parts": json.dumps(to_json(claim.parts)),
        "store_id": order.store_id,
        "paid_at": order.paid_at,
        "capped_on": claim.on,
        "approves_at": approves_at(claim.view.plan, paid_at=order.paid_at),
    }


def _write() -> Any:
    columns: list[ColumnElement[Any]] = [named_column(name, type_) for name, type_ in _SENT.items()]
    arrays = [bindparam(f"given_{name}", type_=SentArray(type_)) for name, type_ in _SENT.items()]
    rows = func.unnest(*arrays).table_valued(*columns, name="rows").render_derived()
    given = [cast(rows.c.parts, JSONB) if name == "parts" else rows.c[name] for name in _SENT]
    statement = insert(_TABLE).from_select(
        [*_SENT, "accrued_at"], select(*given, bindparam("accrued_at", type_=DateTime(timezone=True)))
    )
    renewed = {name: statement.excluded[name] for name in (*_SENT, "accrued_at") if name not in ("order_id", "level")}
    return statement.on_conflict_do_update(
        index_elements=["order_id", "level"],
        set_={**renewed, "serial": _TABLE.c.serial + 1, "reversed_fen": 0, "approved_at": None},
        where=_TABLE.c.order_version < statement.excluded.order_version,
    ).returning(_TABLE.c.order_id, _TABLE.c.level, _TABLE.c.serial)


_WRITE = _write()
