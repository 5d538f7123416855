"""The phone of somebody at the till, and what members show them."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.rules import codes
from loyalty.kernel.audit import Actor
from loyalty.members.models import Member
from loyalty.members.rules import member_code
from loyalty.staff.models import StaffAccount
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.portal.h5.conftest import Browser
from tests.support.containers import NullContainer
from tests.support.settings import CODE_KEY

ACTOR = Actor("system:tests")
NO_THRESHOLD: dict[str, Any] = {"threshold_fen": 0}


class Phone(Browser):
    """The phone of somebody who works at a store."""

    def read(self, code: str, **fields: str) -> TestResponse:
        """Send a code with the key of a page of its own, unless another is given."""
        return self.send("/h5/clerk", **({"code": code, "key": self.key_of("/h5/clerk")} | fields))

    def key_of(self, path: str) -> str:
        found = re.search(r'name="key" value="([^"]+)"', self.open(path).text)
        assert found, f"{path} has no form"
        return found[1]

    def take(self, path: str, **fields: str) -> TestResponse:
        """Send the form of a coupon's page."""
        return self.send(path, **({"key": self.key_of(path)} | fields))


PhoneOf = Callable[[StaffAccount | None], Phone]


def code_of(member: Member, container: NullContainer) -> str:
    return member_code.current_code(CODE_KEY, member.id, container.clock.now()).code


def coupon_code(coupon_id: int, container: NullContainer) -> str:
    return codes.current_code(CODE_KEY, coupon_id, container.clock.now()).code


def give(session: Session, member: Member, **terms: Any) -> int:
    """Give the member a coupon of a template of its own."""
    coupon_id = issue_to(session, member.id, make_template(session, terms_of(**terms))).coupon_id
    session.commit()
    return coupon_id


def redemptions(session: Session, coupon_id: int) -> int:
    return session.scalar(select(func.count()).where(CouponRedemption.coupon_id == coupon_id)) or 0


def links_to_coupons(page: TestResponse) -> list[str]:
    return re.findall(r'href="(/h5/clerk/visits/[^"]+/coupons/\d+)"', page.text)
