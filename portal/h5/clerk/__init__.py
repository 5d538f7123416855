"""Clerk pages (店员核销): coupons taken at the till with one's own WeChat; but for scanning, without JavaScript."""

from portal.h5.clerk import binding, coupons, desk, redemptions, sales, scan

__all__ = ["binding", "coupons", "desk", "redemptions", "sales", "scan"]
