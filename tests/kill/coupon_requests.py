"""How a client asks a running system for a coupon, along each path: through the real entrance where there is one.

Each answers with the coupon, or with nothing when it is sold out or is still to come; a lost answer raises ``Lost``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from loyalty.campaigns.rules.taking_part import CampaignTakenAlready, CampaignUsedUp
from loyalty.campaigns.service.triggers import take_part
from loyalty.coupons.rules.by_hand import GiveReason
from loyalty.coupons.rules.errors import CouponSoldOut
from loyalty.coupons.rules.issue_jobs import IssueJobNotInState
from loyalty.coupons.service import by_hand
from loyalty.kernel.clock import Clock
from loyalty.kernel.database import Database, Json, Session, connect
from loyalty.kernel.outbox import record
from loyalty.kernel.transaction import DatabaseUnavailable, run
from loyalty.partners.rules.keys import PartnerCaller
from loyalty.partners.rules.references import MemberRefNotFound
from loyalty.partners.rules.signatures import sign
from loyalty.partners.service.references import issue_ref
from tests.factories.campaign_runs import coupon_of_campaign
from tests.factories.coupons import ACTOR, SHANGHAI
from tests.factories.issue_jobs import approve as approved_by_another
from tests.factories.referrals import qualified_event
from tests.kill.coupon_wishes import Wish
from tests.support.settings import VAULT

ANSWER_SECONDS = 20


class Lost(Exception):
    """Nobody answered, or nobody could: whether there is a coupon now is not known."""


class Unrecognised(Exception):
    """The till has to recognise the member anew."""


@dataclass(frozen=True)
class Addresses:
    """What a client knows of the system, and the key of its till."""

    web: str
    database_url: str
    offset_file: Path
    caller: PartnerCaller
    secret: str
    store_code: str


class Desk:
    """A client's connections."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self.database: Database = connect(addresses.database_url, connections=1)
        self._clock, self._http = Clock(addresses.offset_file), requests.Session()

    def now(self) -> datetime:
        return self._clock.now()

    def tap(self, wish: Wish, path: str, body: Any = None) -> int | None:
        """Send what a member does in the mini program."""
        headers = {"Authorization": f"Bearer {wish.token}", "Idempotency-Key": wish.key}
        return self._post(f"/miniprogram/v1{path}", json.dumps(body or {}), headers)

    def till(self, path: str, wish: Wish, body: Json) -> int | None:
        """Send what a till reports of a member, whom it recognises anew when that is too long ago."""
        body |= {"store_code": self.addresses.store_code}
        try:
            return self._signed(path, body | {"member_ref": wish.named})
        except Unrecognised:
            return self._signed(path, body | {"member_ref": self._recognised(wish)})

    def _recognised(self, wish: Wish) -> str:
        def recognise(session: Session) -> str:
            caller, at = self.addresses.caller, self.now()
            return issue_ref(session, caller, wish.member_id, is_introduced=True, at=at).token

        try:
            return run(self.database, recognise)
        except DatabaseUnavailable as error:
            raise Lost from error

    def _signed(self, path: str, body: Json) -> int | None:
        target, data, timestamp = f"/partner/v1{path}", json.dumps(body), str(int(self.now().timestamp()))
        nonce, known = uuid4().hex, self.addresses
        signature = sign(
            known.secret, method="POST", target=target, timestamp=timestamp, nonce=nonce, body=data.encode()
        )
        headers = {"Partner-Key": known.caller.key_id, "Partner-Timestamp": timestamp}
        return self._post(target, data, headers | {"Partner-Nonce": nonce, "Partner-Signature": signature})

    def _post(self, target: str, data: str, headers: dict[str, str]) -> int | None:
        headers |= {"Content-Type": "application/json"}
        try:
            answer = self._http.post(self.addresses.web + target, data, headers=headers, timeout=ANSWER_SECONDS)
            told = answer.json()
        except requests.RequestException as error:
            raise Lost from error
        if answer.status_code == 503:
            raise Lost
        if answer.status_code < 300:
            coupon_id: int | None = told.get("coupon_id")
            return coupon_id
        if told["error"]["code"] == MemberRefNotFound.code:
            raise Unrecognised
        assert told["error"]["code"] == CouponSoldOut.code, answer.text
        return None


Ask = Callable[[Desk, Wish], int | None]


def claim(desk: Desk, wish: Wish) -> int | None:
    """Tap in the coupon centre."""
    return desk.tap(wish, f"/coupon-centre/{wish.offer.template_id}/claims")


def claim_by_link(desk: Desk, wish: Wish) -> int | None:
    """Tap on the page of a link."""
    return desk.tap(wish, f"/coupon-links/{wish.offer.link_token}/claims")


def claim_by_code(desk: Desk, wish: Wish) -> int | None:
    """Type a claim code."""
    return desk.tap(wish, "/coupon-codes/claims", {"code": wish.named})


def issue(desk: Desk, wish: Wish) -> int | None:
    """Give a coupon at the till."""
    return desk.till("/coupons", wish, {"reference": wish.key, "template_id": wish.offer.template_id})


def report(desk: Desk, wish: Wish) -> None:
    """Report at the till what a rule gives a coupon for; a worker gives it."""
    _report(desk, wish, wish.offer.kind)


def report_deed(desk: Desk, wish: Wish) -> None:
    """Report at the till what a mission gives a coupon for; a worker gives it."""
    _report(desk, wish, wish.offer.deed)


def tell_qualified(desk: Desk, wish: Wish) -> None:
    """Tell the workers that a referral is to be rewarded."""

    def tell(session: Session) -> None:
        record(session, "referral.qualified", qualified_event(session, int(wish.named)), at=desk.now())

    try:
        run(desk.database, tell)
    except DatabaseUnavailable as error:
        raise Lost from error


def visit(desk: Desk, wish: Wish) -> int | None:
    """Take part in a campaign through its entrance."""
    campaign_id, entrance_id = map(int, wish.named.split(":"))
    try:
        taken = run(
            desk.database,
            lambda session: take_part(
                session, vault=VAULT, campaign_id=campaign_id, member_id=wish.member_id,
                entrance_id=entrance_id, at=desk.now(), zone=SHANGHAI,
            ),
        )  # fmt: skip
    except CampaignUsedUp:
        return None
    except CampaignTakenAlready:
        return run(desk.database, lambda session: coupon_of_campaign(session, campaign_id, wish.member_id))
    except DatabaseUnavailable as error:
        raise Lost from error
    return taken.coupon_ids[0]


def give(desk: Desk, wish: Wish) -> int | None:
    """Give a coupon by hand."""
    try:
        return run(
            desk.database,
            lambda session: by_hand.give(
                session, template_id=wish.offer.template_id, member_id=wish.member_id, key=wish.key,
                reason=GiveReason.CARE, actor=ACTOR, at=desk.now(), zone=SHANGHAI,
            ),
        ).coupon_id  # fmt: skip
    except CouponSoldOut:
        return None
    except DatabaseUnavailable as error:
        raise Lost from error


def approve(desk: Desk, wish: Wish) -> None:
    """Approve a job; workers issue it."""
    try:
        run(desk.database, lambda session: approved_by_another(session, int(wish.named)))
    except IssueJobNotInState:
        return  # it was approved, but the answer got lost
    except DatabaseUnavailable as error:
        raise Lost from error


def _report(desk: Desk, wish: Wish, kind: str) -> None:
    desk.till("/events", wish, {"event_id": wish.key, "kind": kind, "occurred_at": "2026-03-10T10:00:00+08:00"})
