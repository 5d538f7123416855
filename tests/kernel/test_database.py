"""The database that the tests run on is the one they were told to run on."""

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from tests.support import engines


@pytest.mark.skipif(not engines.POSTGRES_BIN, reason="make check-postgres-15 runs this")
def test_the_server_is_of_the_programs_that_were_named(connection: Connection) -> None:
    told = subprocess.run([Path(engines.POSTGRES_BIN) / "postgres", "--version"], capture_output=True, text=True)

    assert connection.scalar(text("SHOW server_version")) in told.stdout
