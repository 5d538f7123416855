"""Where a page may return to: an open redirect would lend our name to others."""

from flask import url_for


def inside(path: str | None) -> str:
    """Return a path of the member pages as it is, and the card for anything else."""
    is_ours = path is not None and path.startswith("/h5/") and "\\" not in path and "//" not in path
    return path if is_ours and path is not None else url_for("h5.card")
