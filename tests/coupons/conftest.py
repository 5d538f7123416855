"""What tests of coupons share."""

import pytest


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three members a page, so that every issue job has several pages."""
    monkeypatch.setattr("jobs.coupon_issues.LINES_PER_PAGE", 3)
    for step in ("issuing", "undoing", "telling"):
        monkeypatch.setattr(f"loyalty.coupons.service.issue_jobs.{step}.PAGE_ROWS", 3)
    monkeypatch.setattr("loyalty.coupons.service.issue_jobs.checking.TAG_PAGE_ROWS", 3)
