"""The daily seals (封印) of the ledger of money; how a seal is made stands in ``kernel.sealing``."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.earnings.models import EarningsSeal
from loyalty.earnings.posting import ENTRIES
from loyalty.kernel import sealing
from loyalty.kernel.sealing import Book

BOOK = Book(ENTRIES, EarningsSeal, label=b"earnings\n", made="money_seals_made")


def seal(session: Session, *, seal_key: bytes, on: date, zone: ZoneInfo, at: datetime) -> int:
    """Seal a business date of money and every day missed since the last seal; return how many seals were made.

    Raises:
        SealTooEarly: the day is not over, or ended less than ten minutes ago.
    """
    return sealing.seal(session, BOOK, seal_key=seal_key, on=on, zone=zone, at=at)
