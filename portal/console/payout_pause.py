"""The pause of payouts (打款暂停), as the start page and every page about payouts show it to those who may see it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loyalty.kernel.transaction import run
from loyalty.payouts.queries.payouts import Pause, find_pause
from loyalty.staff.rules import Permission
from portal.console.access import current_scope, may
from portal.console.actors import names_of
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@dataclass(frozen=True, slots=True)
class SeenPause:
    """Why nothing is sent, with the names of those in it."""

    pause: Pause
    people: dict[str, str]


def seen_pause() -> SeenPause | None:
    """Return why nothing is sent at present, if anything, to who may see payouts."""
    if not may(Permission.PAYOUTS_READ) or not current_scope().is_chain_wide:
        return None

    def read(session: "Session") -> SeenPause | None:
        pause = find_pause(session)
        return None if pause is None else SeenPause(pause, names_of(session, [pause.paused_by]))

    return run(container().database, read)
