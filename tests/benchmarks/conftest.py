"""A shop on a database of its own: what is committed here, chain-wide rules included, no other test sees."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from benchmarks.stand import Shop
from loyalty.kernel.database import connect
from tests.support import engines, settings


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    with engines.migrated_database("bench") as address:
        url = make_url(address).set(drivername="postgresql")
        database = connect(address, connections=4)
        yield Shop(
            name="test",
            conninfo=url.render_as_string(hide_password=False),
            database=database,
            settings=settings.settings(DATABASE_URL=address),
            environment={},
            postgres=engines.postgres(),
        )
        database.engine.dispose()
