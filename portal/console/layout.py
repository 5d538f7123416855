"""What every console template has at hand: caller, menu, vendor files when they were built."""

from flask import g

from loyalty.staff.rules import Permission
from portal.console import payout_names
from portal.console.access import may
from portal.console.actors import actor_address
from portal.console.navigation import visible_menu
from portal.console.paging import export_address
from portal.console.payout_pause import seen_pause
from portal.context import container
from portal.vendor import vendor


def context() -> dict[str, object]:
    """Return the names that the templates use."""
    return {
        "staff": g.get("staff"),
        "menu": visible_menu() if g.get("staff") else [],
        "may": may,
        "export_address": export_address,
        "actor_address": actor_address,
        "Permission": Permission,
        "payout_names": payout_names,
        "payout_pause": seen_pause,
        "vendor": vendor,
        "programme_name": container().settings.programme_name,
    }
