"""Pages for members and clerks in WeChat's browser (H5): complete without JavaScript, usable with one thumb."""

from portal.h5 import (
    binding,
    card,
    check_ins,
    clerk,
    coupon_centre,
    coupons,
    evaluations,
    inbox,
    js_sdk,
    oauth,
    points,
    privacy,
    proofs,
    settings,
)
from portal.h5.blueprint import blueprint

__all__ = [
    "binding",
    "blueprint",
    "card",
    "check_ins",
    "clerk",
    "coupon_centre",
    "coupons",
    "evaluations",
    "inbox",
    "js_sdk",
    "oauth",
    "points",
    "privacy",
    "proofs",
    "settings",
]
