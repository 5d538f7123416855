"""Figures of the console's forms: amounts of yuan as they are shown to be changed, multipliers as they are typed."""

import re

from loyalty.tiers.rules import ONE_TIME

_TIMES = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?", re.ASCII)


def shown_money(fen: int) -> str:
    """Return an amount as the form shows it: 100 or 99.50."""
    yuan, rest = divmod(fen, 100)
    return f"{yuan}.{rest:02d}" if rest else str(yuan)


def times(text: str) -> int:
    """Read a multiplier as basis points: 15000 for 1.5.

    Raises:
        ValueError: it is none.
    """
    found = _TIMES.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return int(found[1]) * ONE_TIME + int((found[2] or "").ljust(4, "0"))
