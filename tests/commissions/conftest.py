"""What every test of commissions starts from: an open referral programme, a plan, a referrer and a friend."""

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from tests.factories.commissions import LAST_MONTH, invite_friend, make_referrer, publish_plan
from tests.factories.referrals import publish


@pytest.fixture
def programme(session: Session) -> None:
    publish(session, at=LAST_MONTH)


@pytest.fixture
def plan_id(session: Session) -> int:
    return publish_plan(session)


@pytest.fixture
def referrer(session: Session, programme: None) -> Member:
    return make_referrer(session)


@pytest.fixture
def friend(session: Session, referrer: Member) -> Member:
    return invite_friend(session, referrer)
