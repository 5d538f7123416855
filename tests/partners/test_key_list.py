"""The list of keys is searched by what staff read off a till: the name, or the key's id."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.partners.queries import list_keys
from tests.factories.partners import make_key
from tests.factories.stores import make_store


def test_a_key_is_found_by_its_id_as_it_is_written(session: Session, at: datetime) -> None:
    store = make_store(session)
    wanted, _ = make_key(session, [store])
    make_key(session, [store])

    for text in (wanted.key_id, wanted.key_id.upper()):
        assert [key.id for key in list_keys(session, text=text, at=at)] == [wanted.id]


@pytest.mark.parametrize("sign", ["%", "_", "\\"])
def test_no_sign_of_a_search_stands_for_others(session: Session, at: datetime, sign: str) -> None:
    store = make_store(session)
    wanted, _ = make_key(session, [store], name=f"收银{sign}一")
    make_key(session, [store], name="收银甲一")

    assert [key.id for key in list_keys(session, text=f"银{sign}一", at=at)] == [wanted.id]
