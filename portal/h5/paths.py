"""Where a page may return to: an open redirect would lend our name to others."""

from flask import url_for


def inside(path: str | None) -> str:
    """Return a path of the member pages as it is, and the card for anything else."""
    if path is None or not path.startswith("/h5/") or not path.isprintable():
        return url_for("h5.card")
    return url_for("h5.card") if "\\" in path or "//" in path else path
