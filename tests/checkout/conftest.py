"""Somebody with points, where points pay and purchases earn; and a coupon of theirs, ¥20 off ¥100."""

import pytest
from sqlalchemy.orm import Session

from tests.checkout.carts import coupon_of
from tests.factories.checkout import save_policy
from tests.factories.earning import make_rule
from tests.factories.members import make_member
from tests.factories.points import earn


@pytest.fixture
def member_id(session: Session) -> int:
    save_policy(session)
    make_rule(session)
    member_id = make_member(session).id
    earn(session, member_id, 20_000)
    return member_id


@pytest.fixture
def coupon_id(session: Session, member_id: int) -> int:
    return coupon_of(session, member_id)
