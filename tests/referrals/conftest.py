"""A programme in force and a member who shares."""

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from tests.factories.members import make_member
from tests.factories.referrals import publish


@pytest.fixture
def sharer(session: Session) -> Member:
    publish(session)
    return make_member(session)
