"""A campaign whose results are told, and stores."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.rules.terms import CashOff, Stacking
from tests.factories.campaign_results import RunningCampaign
from tests.factories.coupons import make_template, terms_of
from tests.factories.stores import make_store


@pytest.fixture
def campaign(session: Session, at: datetime) -> RunningCampaign:
    terms = terms_of(worth=CashOff(5_00), threshold_fen=0, stacking=Stacking(is_exclusive=False))
    return RunningCampaign(session, make_template(session, terms, stock=None), at=at)


@pytest.fixture
def stores(session: Session) -> list[int]:
    return [make_store(session).id for _ in range(2)]
