"""What the jobs see: the null container as that of their process, and an empty queue server."""

from collections.abc import Iterator
from typing import cast

import pytest
from redis import Redis

from jobs import context
from loyalty.gateways.null import NullOfficialAccount
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
