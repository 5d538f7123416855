"""Exporting what was withheld (代扣明细导出): it shows names and ID numbers in clear, so each export is audited."""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.payouts.queries.withholding import WithholdingLine, withholding_lines
from loyalty.payouts.rules.errors import InvalidPayoutSettings

_PERIOD = re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])", re.ASCII)


def export(
    session: Session, *, vault: Vault, period: str, zone: ZoneInfo, actor: Actor, at: datetime
) -> Sequence[WithholdingLine]:
    """Return the income that was paid in a month and its tax by person, for the declaration.

    Raises:
        InvalidPayoutSettings: the period is no month, as ``2026-03``.
    """
    if not _PERIOD.fullmatch(period):
        raise InvalidPayoutSettings(field="period")
    lines = withholding_lines(session, vault=vault, period=period, zone=zone)
    told = {"lines": len(lines), "gross_fen": sum(line.gross_fen for line in lines)}
    audit.write(
        session, actor=actor, action="payouts.export_withholding", subject=f"period:{period}", after=told, at=at
    )
    return lines
