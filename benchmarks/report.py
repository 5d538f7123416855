"""The report: a table for people, a list of rows for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import Share

_HEADINGS = (
    "row",
    "ours/s",
    "limit/s",
    "ratio",
    "spread",
    "asked",
    "",
    "p50 ms",
    "p99 ms",
    "errors",
    "python µs",
    "pg µs",
    "MB",
)


def table(shares: Sequence[Share]) -> str:
    """Lay the shares out as a table."""
    lines = [_HEADINGS, *(_cells(share) for share in shares)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    )


def write(shares: Sequence[Share], path: Path) -> None:
    """Write the shares as JSON, replacing the rows of the same names and keeping all others."""
    kept = [row for row in _read(path) if row["name"] not in {share.name for share in shares}]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([*kept, *map(_document, shares)], ensure_ascii=False, indent=1) + "\n")


def _cells(share: Share) -> tuple[str, ...]:
    sign = "≥" if share.better == "more" else "≤"
    asked = "" if share.good is None else f"{sign}{share.good:g}, {sign}{share.goal:g}"
    names = ("p50_ms", "p99_ms", "python_us", "postgres_us", "memory_mb")
    p50, p99, python, postgres, memory = (_rounded(share.details.get(name)) for name in names)
    return (
        share.name, f"{share.ours:,.0f}", f"{share.limit:,.0f}", f"{share.ratio:.2f}",
        f"{share.lowest:.2f}–{share.highest:.2f}", asked, share.verdict, p50, p99, str(share.errors),
        python, postgres, memory,
    )  # fmt: skip


def _rounded(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _document(share: Share) -> dict[str, object]:
    document = asdict(share)
    details = document.pop("details")
    return {
        **document,
        "verdict": share.verdict,
        "p50": details.pop("p50_ms", None),
        "p99": details.pop("p99_ms", None),
        **details,
    }


def _read(path: Path) -> list[dict[str, object]]:
    try:
        rows = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return []
    return [row for row in rows if isinstance(row, dict) and "name" in row] if isinstance(rows, list) else []
