"""Third-party styles and scripts of the pages: built into ``static/vendor``, and never relied on."""

from pathlib import Path

from flask import current_app, url_for


def vendor(name: str) -> str | None:
    """Return the address of a vendor file, or None where the front-end was not built."""
    if not (Path(current_app.static_folder or "") / "vendor" / name).is_file():
        return None
    return url_for("static", filename=f"vendor/{name}")
