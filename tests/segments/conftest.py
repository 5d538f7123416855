"""Fixtures of segments: saving one of members of one level."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy.orm import Session

from loyalty.segments import service
from tests.segments.stage import GOLD, STAFF


@pytest.fixture
def save(session: Session, at: datetime) -> Callable[..., int]:
    return partial(service.save_segment, session, title="金卡", condition=GOLD, actor=STAFF, at=at)
