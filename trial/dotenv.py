"""Reads a ``.env`` file: one NAME=value a line, ``#`` comments, optional quotes, nothing is expanded."""

import re
from pathlib import Path

from trial.errors import TrialError

LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def read_dotenv(path: Path) -> dict[str, str]:
    """Read the settings of a ``.env`` file; a missing file has none.

    Raises:
        TrialError: a line is not a setting; the message names it.
    """
    if not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TrialError(f"{path} cannot be read: {error}.") from error
    return dict(
        _setting(path, number, line.strip())
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.strip().startswith("#")
    )


def _setting(path: Path, number: int, line: str) -> tuple[str, str]:
    match = LINE.fullmatch(line)
    if match is None:
        raise TrialError(f"{path} line {number} is not NAME=value.")
    name, value = match.groups()
    if value[:1] in ("'", '"'):
        quote = value[0]
        end = value.find(quote, 1)
        if end < 0:
            raise TrialError(f"{path} line {number}: the quote is not closed.")
        return name, value[1:end]
    return name, re.split(r"\s#", value, maxsplit=1)[0].strip()
