"""The part of the container that the migrations need."""

from dataclasses import dataclass

from loyalty.kernel.database import Database


@dataclass(frozen=True)
class MigrationContainer:
    """Holds a database where ``migrations/env.py`` looks for it."""

    database: Database
