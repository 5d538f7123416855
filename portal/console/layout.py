"""What every console template has at hand: caller, menu, vendor files when they were built."""

from pathlib import Path

from flask import current_app, g, url_for

from loyalty.staff.rules import Permission
from portal.console.access import may
from portal.console.navigation import visible_menu
from portal.context import container


def vendor(name: str) -> str | None:
    """Return the address of a vendor file, or None where the front-end was not built."""
    if not (Path(current_app.static_folder or "") / "vendor" / name).is_file():
        return None
    return url_for("static", filename=f"vendor/{name}")


def context() -> dict[str, object]:
    """Return the names that the templates use."""
    return {
        "staff": g.get("staff"),
        "menu": visible_menu() if g.get("staff") else [],
        "may": may,
        "Permission": Permission,
        "vendor": vendor,
        "programme_name": container().settings.programme_name,
    }
