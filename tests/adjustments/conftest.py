"""What batches need: a container for the jobs, and members with phones that are known."""

from collections.abc import Sequence

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from tests.factories.members import make_member, unused_phone
from tests.factories.points import earn


class People:
    """Members with phones, in the order of making."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(self, *points: int) -> tuple[Sequence[str], Sequence[Member]]:
        """Make a member for each number of points; zero for one without an account."""
        phones = [unused_phone() for _ in points]
        members = [make_member(self._session, phone=phone) for phone in phones]
        for member, earned in zip(members, points, strict=True):
            if earned:
                earn(self._session, member.id, earned)
        self._session.commit()
        return phones, members


@pytest.fixture
def people(session: Session) -> People:
    return People(session)
