"""What the lives of the proofs are lived on."""

from collections.abc import Iterator

import pytest
from psycopg import Connection
from sqlalchemy import Engine, event

from loyalty.kernel.database import connect

STATEMENTS = 500
"""More than a life has."""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Connections that plan a statement once: a life repeats few statements very often."""
    database = connect(database_url, connections=1)

    @event.listens_for(database.engine, "connect")
    def plan_once(driver: Connection, _record: object) -> None:
        driver.prepare_threshold, driver.prepared_max = 0, STATEMENTS
        driver.execute("SET plan_cache_mode = force_generic_plan")
        driver.commit()

    yield database.engine
    database.engine.dispose()
