"""The settings of payouts that hold, and the tax table in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.payouts.models import StoredProgramme, StoredScene, TaxRate
from loyalty.payouts.rules.errors import PayoutSceneNotConfigured, PayoutsOff
from loyalty.payouts.rules.settings import PayoutProgramme, TransferScene
from loyalty.payouts.rules.tax import IncomeKind, TaxTable, table_of

RATES_SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class RateInForce:
    """A tax table with the row that it comes from."""

    id: int
    table: TaxTable


@dataclass(frozen=True, slots=True)
class SavedRate:
    """A row of the tax configuration, and who saved it when."""

    id: int
    income_kind: IncomeKind
    live_from_on: date
    table: TaxTable
    saved_by: str
    saved_at: datetime


def find_programme(session: Session) -> PayoutProgramme | None:
    """Return the settings that hold; nothing while none were saved, and nothing is paid then."""
    row = session.scalars(select(StoredProgramme).order_by(StoredProgramme.id.desc()).limit(1)).first()
    return None if row is None else _programme(row)


def current_programme(session: Session) -> PayoutProgramme:
    """Return the settings that hold.

    Raises:
        PayoutsOff: none were saved.
    """
    programme = find_programme(session)
    if programme is None:
        raise PayoutsOff
    return programme


def find_scene(session: Session) -> TransferScene | None:
    """Return the words of the transfer scene that hold."""
    row = session.scalars(select(StoredScene).order_by(StoredScene.id.desc()).limit(1)).first()
    if row is None:
        return None
    report = tuple((kind, content) for kind, content in row.report["rows"])
    return TransferScene(row.scene_id, row.remark, row.perception, report)


def current_scene(session: Session) -> TransferScene:
    """Return the words of the transfer scene that hold.

    Raises:
        PayoutSceneNotConfigured: none were saved.
    """
    scene = find_scene(session)
    if scene is None:
        raise PayoutSceneNotConfigured
    return scene


def find_rate(session: Session, *, income_kind: IncomeKind, on: date) -> RateInForce | None:
    """Return the tax table in force for a kind of income on a business date; of one day the one saved last."""
    row = session.scalars(
        select(TaxRate)
        .where(TaxRate.income_kind == income_kind, TaxRate.live_from_on <= on)
        .order_by(TaxRate.live_from_on.desc(), TaxRate.id.desc())
        .limit(1)
    ).first()
    return None if row is None else RateInForce(row.id, table_of(row.table))


def list_rates(session: Session) -> Sequence[SavedRate]:
    """Return the tax configuration, the latest first."""
    latest_first = select(TaxRate).order_by(TaxRate.live_from_on.desc(), TaxRate.id.desc())
    rows = session.scalars(latest_first.limit(RATES_SHOWN_MAX))
    return [
        SavedRate(
            row.id, IncomeKind(row.income_kind), row.live_from_on, table_of(row.table), row.saved_by, row.saved_at
        )
        for row in rows
    ]


def _programme(row: StoredProgramme) -> PayoutProgramme:
    values: dict[str, Any] = {name: getattr(row, name) for name in PayoutProgramme.__slots__}
    return PayoutProgramme(**{**values, "income_kind": IncomeKind(row.income_kind)})
