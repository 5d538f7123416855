"""The daily seals (封印) of the points ledger; how a seal is made stands in ``kernel.sealing``."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.kernel import sealing
from loyalty.kernel.sealing import Book
from loyalty.points.models import LedgerSeal
from loyalty.points.posting import ENTRIES

BOOK = Book(ENTRIES, LedgerSeal, label=b"", made="seals_made")


def seal(session: Session, *, seal_key: bytes, on: date, zone: ZoneInfo, at: datetime) -> int:
    """Seal a business date of points and every day missed since the last seal; return how many seals were made.

    Raises:
        SealTooEarly: the day is not over, or ended less than ten minutes ago.
    """
    return sealing.seal(session, BOOK, seal_key=seal_key, on=on, zone=zone, at=at)
