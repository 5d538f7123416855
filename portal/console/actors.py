"""Who acted, as pages name them: staff by their name, programs by what they do, others by their code."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from loyalty.staff import queries as staff
from loyalty.staff.rules import actor_name
from portal.console.audit_names import PROGRAM_NAMES

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


def names_of(session: "Session", mentioned: Iterable[str]) -> dict[str, str]:
    """Return names of actors such as ``staff:12``; one that is not known has none."""
    ids = {
        int(number)
        for kind, _, number in (text.partition(":") for text in mentioned)
        if kind == "staff" and number.isdigit()
    }
    found = staff.names(session, ids) if ids else {}
    return PROGRAM_NAMES | {actor_name(staff_id): name for staff_id, name in found.items()}
