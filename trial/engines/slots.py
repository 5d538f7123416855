"""The embedded engines of one trial: started, watched, started again, and stopped whoever started them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from trial.engines.postgres import find_postgres, start_postgres
from trial.engines.valkey import find_valkey, start_valkey
from trial.paths import TrialPaths


class Engine(Protocol):
    """A running engine."""

    def url(self) -> str:
        """Give the address that the processes of the trial use."""

    def is_running(self) -> bool:
        """Tell whether it is still alive."""

    def stop(self) -> None:
        """Stop it, cleanly if possible."""


@dataclass(frozen=True)
class EngineSlot:
    """One engine of the trial and the setting that holds its address."""

    name: str
    setting: str
    start: Callable[[], Engine]
    find: Callable[[], Engine | None]

    def stop(self) -> bool:
        """Stop what runs in this slot, whichever run started it, and tell whether there was something."""
        engine = self.find()
        if engine is None:
            return False
        engine.stop()
        return True


def postgres_slot(paths: TrialPaths) -> EngineSlot:
    """Describe the embedded PostgreSQL of a trial."""
    return EngineSlot(
        name="PostgreSQL",
        setting="DATABASE_URL",
        start=lambda: start_postgres(paths.postgres),
        find=lambda: find_postgres(paths.postgres),
    )


def valkey_slot(paths: TrialPaths) -> EngineSlot:
    """Describe the embedded Redis-protocol server of a trial."""
    return EngineSlot(
        name="Valkey",
        setting="REDIS_URL",
        start=lambda: start_valkey(paths.valkey),
        find=lambda: find_valkey(paths.valkey),
    )
