"""Tables of coupons: templates, claim codes, coupons and their use, issue jobs."""

from loyalty.coupons.models.claim_codes import CouponCodeBatch, CouponCodeUse
from loyalty.coupons.models.coupons import Coupon, CouponLock, CouponRedemption
from loyalty.coupons.models.issue_jobs import (
    ISSUE_FILE_CONTEXT,
    CouponIssueFile,
    CouponIssueJob,
    CouponIssueProblem,
    CouponIssueRow,
)
from loyalty.coupons.models.templates import CouponPicture, CouponTemplate, CouponTemplateRevision

__all__ = [
    "ISSUE_FILE_CONTEXT",
    "Coupon",
    "CouponCodeBatch",
    "CouponCodeUse",
    "CouponIssueFile",
    "CouponIssueJob",
    "CouponIssueProblem",
    "CouponIssueRow",
    "CouponLock",
    "CouponPicture",
    "CouponRedemption",
    "CouponTemplate",
    "CouponTemplateRevision",
]
