"""Money (金额) as people type it: yuan with at most two decimals, read as whole fen."""

import re

_YUAN = re.compile(r"(\d{1,12})(?:\.(\d{1,2}))?", re.ASCII)


def fen_of(text: str) -> int:
    """Read an amount of yuan as fen, exactly: 128.5, ¥1,200.

    Raises:
        ValueError: it is none.
    """
    found = _YUAN.fullmatch(text.replace(",", "").strip().removeprefix("¥").strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
