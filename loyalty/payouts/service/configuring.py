"""Saving the settings of payouts: limits, the words of the scene, tax tables. Each is a new row and audited."""

from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.payouts.models import StoredProgramme, StoredScene, TaxRate
from loyalty.payouts.queries.configuration import find_programme, find_rate, find_scene
from loyalty.payouts.rules.settings import PayoutProgramme, TransferScene, check_programme, check_scene
from loyalty.payouts.rules.tax import IncomeKind, TaxTable, check_table


def save_programme(session: Session, *, programme: PayoutProgramme, actor: Actor, at: datetime) -> None:
    """Set what holds for withdrawals and batches from now on; the first time opens them.

    Raises:
        InvalidPayoutSettings: nothing could be paid under them, or anything.
    """
    check_programme(programme)
    before = find_programme(session)
    after = asdict(programme)
    session.execute(insert(StoredProgramme).values(**after, saved_by=actor.name, saved_at=at))
    audit.write(
        session,
        actor=actor,
        action="payouts.save_programme",
        subject="payout_programme:all",
        before=None if before is None else asdict(before),
        after=after,
        at=at,
    )


def save_scene(session: Session, *, scene: TransferScene, actor: Actor, at: datetime) -> None:
    """Set the words of the transfer scene; payouts made before keep theirs.

    Raises:
        InvalidPayoutSettings: WeChat Pay would not take them.
        ValueForFollowingOrSharing: they tell of money for following or sharing.
    """
    check_scene(scene)
    before = find_scene(session)
    values = asdict(scene) | {"report": {"rows": [list(row) for row in scene.report]}}
    session.execute(insert(StoredScene).values(**values, saved_by=actor.name, saved_at=at))
    audit.write(
        session,
        actor=actor,
        action="payouts.save_scene",
        subject="payout_scene:all",
        before=None if before is None else asdict(before),
        after=values,
        at=at,
    )


def save_tax_rate(
    session: Session, *, income_kind: IncomeKind, table: TaxTable, live_from_on: date, actor: Actor, at: datetime
) -> int:
    """Set how tax on a kind of income is reckoned from a business date on; payouts made before keep their tax.

    Raises:
        InvalidPayoutSettings: the table could not be reckoned for every income.
    """
    check_table(table)
    before = find_rate(session, income_kind=income_kind, on=live_from_on)
    rate_id = session.execute(
        insert(TaxRate)
        .values(
            income_kind=income_kind,
            live_from_on=live_from_on,
            table=table.to_json(),
            saved_by=actor.name,
            saved_at=at,
        )
        .returning(TaxRate.id)
    ).scalar_one()
    audit.write(
        session,
        actor=actor,
        action="payouts.save_tax_rate",
        subject=f"tax_rate:{rate_id}",
        before=None if before is None else before.table.to_json(),
        after={"income_kind": income_kind, "live_from_on": live_from_on.isoformat(), **table.to_json()},
        at=at,
    )
    return rate_id
