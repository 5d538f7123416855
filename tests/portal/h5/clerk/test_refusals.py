"""What stops a clerk amid their work: a refusal is told where they start, and what is away says when to come back."""

from dataclasses import replace

from flask import Flask
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.transaction import DatabaseUnavailable
from tests.portal.h5.clerk.tills import Phone
from tests.support.containers import NullContainer

TO_KNOW_THE_CLERK = 2


class AwayOnceTheClerkIsKnown(Database):
    """A database that says who stands where, and then answers no more."""

    def __init__(self, inner: Database) -> None:
        self._inner, self._left = inner, TO_KNOW_THE_CLERK
        self.single = inner.single  # type: ignore[method-assign]

    def session(self) -> Session:
        if not self._left:
            raise DatabaseUnavailable
        self._left -= 1
        return self._inner.session()


def test_a_refusal_is_told_on_the_start_page(phone: Phone) -> None:
    page = phone.open("/h5/clerk/redemptions/999999")

    assert page.request.path == "/h5/clerk"
    assert "没有找到该核销记录" in page.text


def test_a_database_that_is_away_is_told_with_when_to_come_back(
    phone: Phone, app: Flask, container: NullContainer
) -> None:
    app.extensions["container"] = replace(container, database=AwayOnceTheClerkIsKnown(container.database))

    page = phone.open("/h5/clerk/today")

    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) >= 5
