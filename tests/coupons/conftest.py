"""What tests of coupons share."""

from collections.abc import Sequence

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from tests.factories.issue_jobs import made
from tests.factories.members import make_member


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three members a page, so that every issue job has several pages."""
    monkeypatch.setattr("jobs.coupon_issues.LINES_PER_PAGE", 3)
    for step in ("issuing", "undoing", "telling"):
        monkeypatch.setattr(f"loyalty.coupons.service.issue_jobs.{step}.PAGE_ROWS", 3)
    monkeypatch.setattr("loyalty.coupons.service.issue_jobs.checking.TAG_PAGE_ROWS", 3)


@pytest.fixture
def members(session: Session) -> Sequence[Member]:
    """Members whom an issue job may name."""
    return made(session, 5)


@pytest.fixture
def member_id(session: Session) -> int:
    """A member with nothing yet."""
    return make_member(session).id
