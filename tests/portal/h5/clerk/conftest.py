"""A clerk with a phone, at a store of their own."""

from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from loyalty.members.models import Identity
from loyalty.members.rules.identities import Door
from loyalty.members.service import open_session
from loyalty.staff.models import StaffAccount
from loyalty.staff.rules import Role
from loyalty.staff.service.bindings import link
from loyalty.stores.models import Store
from portal.h5.session import COOKIE
from tests.factories.members import make_identity
from tests.factories.staff import make_staff
from tests.factories.stores import make_store
from tests.portal.h5.clerk.tills import ACTOR, Phone, PhoneOf


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session, name="静安寺店")


@pytest.fixture
def clerk(session: Session, store: Store) -> StaffAccount:
    return make_staff(session, Role.CLERK, stores=[store])


@pytest.fixture
def phone_of(client: FlaskClient, session: Session, at: datetime) -> PhoneOf:
    """Hand out a phone, bound to an account when one is given."""

    def hand_out(staff: StaffAccount | None) -> Phone:
        identity: Identity = make_identity(session)
        if staff is not None:
            link(session, staff_id=staff.id, appid=identity.appid, openid=identity.openid, actor=ACTOR, at=at)
        token = open_session(session, identity_id=identity.id, door=Door.H5, at=at)
        session.commit()
        client.set_cookie(COOKIE, token)
        return Phone(client, identity, None)

    return hand_out


@pytest.fixture
def phone(phone_of: PhoneOf, clerk: StaffAccount) -> Phone:
    return phone_of(clerk)
