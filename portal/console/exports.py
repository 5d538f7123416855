"""Lists as CSV that Excel opens: with a byte order mark, and with nothing that it would calculate."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from flask import Response

from portal.console.filters import local_time

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return rows as a download."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    response = Response(buffer.getvalue(), mimetype="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return local_time(value)
    text = str(value)
    # A cell that begins like a formula would run in the reader's spreadsheet.
    is_number = isinstance(value, int)
    return "'" + text if text.startswith(_DANGEROUS) and not is_number else text
