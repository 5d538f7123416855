import pytest
from sqlalchemy.orm import Session

from loyalty.stores.models import Store
from tests.factories.stores import make_store


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session)
