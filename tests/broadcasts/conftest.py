from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from tests.factories.broadcasts import Stage


@pytest.fixture
def stage(database: Database, session: Session, at: datetime, zone: ZoneInfo) -> Stage:
    return Stage(database, session, at, zone)
