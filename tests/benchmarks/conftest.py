"""A shop on a database that tests commit to."""

import pytest
from sqlalchemy import make_url

from benchmarks.stand import Shop
from loyalty.kernel.database import Database
from tests.support import engines, settings


@pytest.fixture
def shop(committed_database: Database, committed_address: engines.Address) -> Shop:
    url = make_url(committed_address.url).set(drivername="postgresql")
    return Shop(
        name="test",
        conninfo=url.render_as_string(hide_password=False),
        database=committed_database,
        settings=settings.settings(),
        environment={},
        postgres=engines.postgres(),
    )
