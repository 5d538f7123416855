"""What the jobs see: the null container as that of their process, an empty queue server, and a member who shares."""

from collections.abc import Iterator
from datetime import datetime
from typing import cast

import pytest
from redis import Redis
from sqlalchemy.orm import Session

from jobs import context
from loyalty.gateways.null import NullOfficialAccount
from loyalty.members.models import Member
from tests.factories.members import make_member
from tests.factories.referrals import publish
from tests.support.containers import NullContainer, StandingClock


@pytest.fixture
def redis(container: NullContainer) -> Iterator[Redis]:
    container.redis.flushdb()
    yield container.redis
    container.redis.close()


@pytest.fixture
def jobs_container(container: NullContainer, redis: Redis) -> NullContainer:
    context.use(container)
    return container


@pytest.fixture
def clock(container: NullContainer) -> StandingClock:
    return cast(StandingClock, container.clock)


@pytest.fixture
def official_account(container: NullContainer) -> NullOfficialAccount:
    return container.oa


@pytest.fixture
def sharer(session: Session, at: datetime) -> Member:
    publish(session, at=at)
    return make_member(session)
