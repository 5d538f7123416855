"""What clients ask a running system for: coupons of some offers, each wish with the words that name it to its door."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.coupons.queries.codes import get_batch
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.rules.terms import Claiming, MemberLimits
from loyalty.coupons.service.code_batches import make_batch
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.numbers import number_of
from loyalty.partners.rules.keys import PartnerCaller
from loyalty.partners.service.references import issue_ref
from loyalty.points.service.batches import Change, adjust_many
from tests.concurrency.coupon_races import MakeJob
from tests.concurrency.coupon_sales import deed_of, kind_of, make_gift_campaign, make_gift_mission, make_gift_rule
from tests.factories.coupons import ACTOR, make_template, terms_of
from tests.factories.referrals import make_coupon_programme, make_qualified
from tests.support.settings import CODE_KEY, MP_APPID, VAULT

PRICE = 10
"""Points, of who helps himself in the centre or by a link."""
_IDS = text("SELECT nextval('members_id_seq') FROM generate_series(1, :count)")
_SHOPPERS = text(
    "WITH made AS (INSERT INTO members (id, number, status, enrolled_at, last_active_at)"
    " SELECT id, number, 'active', :at, :at"
    " FROM unnest(cast(:ids AS bigint[]), cast(:numbers AS text[])) AS made (id, number) RETURNING id),"
    " known AS (INSERT INTO identities (appid, openid, kind, member_id, first_seen_at)"
    " SELECT :appid, 'o_shopper_' || id, :kind, id, :at FROM made RETURNING id, member_id)"
    " INSERT INTO member_sessions (token_hash, identity_id, door, opened_at, renewed_at, expires_at)"
    " SELECT sha256(convert_to('shopper-' || member_id, 'UTF8')), id, :door, :at, :at, :at + interval '30 days'"
    " FROM known"
)


@dataclass(frozen=True)
class Offer:
    """A template that is wanted, of which each member may have one, and what leads to it."""

    template_id: int
    stock: int
    link_token: str
    first_serial: int

    @property
    def kind(self) -> str:
        return kind_of(self.template_id)

    @property
    def deed(self) -> str:
        return deed_of(self.template_id)


@dataclass(frozen=True)
class Wish:
    """A coupon of an offer for a member, or those of a job for all whom it names."""

    offer: Offer
    member_id: int
    named: str = ""
    """A claim code, a reference to the member, the referral or the job."""

    @property
    def token(self) -> str:
        """With which the member is logged in."""
        return f"shopper-{self.member_id}"

    @property
    def key(self) -> str:
        """The same for each try."""
        return f"wish-of-{self.offer.template_id}-by-{self.member_id}"


@dataclass(frozen=True)
class Asking:
    """Who wishes: so many members, the first of whom has this number in the sale."""

    session: Session
    caller: PartnerCaller
    offer: Offer
    member_ids: Sequence[int]
    first: int
    at: datetime


Wishing = Callable[[Asking], Sequence[Wish]]


def open_offer(session: Session, *, stock: int, count: int, at: datetime) -> Offer:
    """Return an offer that costs points, with a claim code for each of so many, a rule and a mission that give it."""
    terms = terms_of(member_limits=MemberLimits(total=1), claiming=Claiming(is_in_centre=True, points_price=PRICE))
    template_id = make_template(session, terms, stock=stock, at=at)
    batch_id = make_batch(session, template_id=template_id, name="传单", count=count, actor=ACTOR, at=at)
    make_gift_rule(session, template_id)
    make_gift_mission(session, template_id)
    return Offer(
        template_id=template_id,
        stock=stock,
        link_token=get_template(session, template_id=template_id).link_token,
        first_serial=get_batch(session, batch_id=batch_id).first_serial,
    )


def make_shoppers(session: Session, *, count: int, points: int, at: datetime) -> list[int]:
    """Return members with points, who are logged in to the mini program."""
    ids = list(session.scalars(_IDS, {"count": count}))
    numbers = [number_of(member_id, key=VAULT.index_key) for member_id in ids]
    values = {"ids": ids, "numbers": numbers, "at": at, "appid": MP_APPID}
    session.execute(_SHOPPERS, {**values, "kind": IdentityKind.MINI_PROGRAM, "door": Door.MINI_PROGRAM})
    given = [Change(member_id, points, "gift") for member_id in ids]
    adjust_many(session, changes=given, explanation={"rule": "adjustment"}, actor="system:tests", at=at)
    return ids


def by_members(asking: Asking) -> Sequence[Wish]:
    """Wish as who needs no more than the offer."""
    return [Wish(asking.offer, member_id) for member_id in asking.member_ids]


def by_codes(asking: Asking) -> Sequence[Wish]:
    """Wish as who has a leaflet each."""
    serials = range(asking.offer.first_serial + asking.first, asking.offer.first_serial + 10**9)
    each = zip(asking.member_ids, serials, strict=False)
    return [Wish(asking.offer, member_id, claim_code(CODE_KEY, serial)) for member_id, serial in each]


def by_refs(asking: Asking) -> Sequence[Wish]:
    """Wish at a till that knows the members."""

    def ref_of(member_id: int) -> str:
        return issue_ref(asking.session, asking.caller, member_id, is_introduced=True, at=asking.at).token

    return [Wish(asking.offer, member_id, ref_of(member_id)) for member_id in asking.member_ids]


def by_referrals(asking: Asking) -> Sequence[Wish]:
    """Wish as who invited somebody, and is to be rewarded."""
    programme_id = make_coupon_programme(asking.session, asking.offer.template_id, at=asking.at)

    def referral_of(member_id: int) -> str:
        return str(make_qualified(asking.session, referrer_id=member_id, programme_id=programme_id, at=asking.at))

    return [Wish(asking.offer, member_id, referral_of(member_id)) for member_id in asking.member_ids]


def by_visits(asking: Asking) -> Sequence[Wish]:
    """Wish as who comes through the entrance of a campaign."""
    entrance = make_gift_campaign(asking.session, asking.offer.template_id, asking.member_ids, at=asking.at)
    named = f"{entrance.campaign_id}:{entrance.entrance_id}"
    return [Wish(asking.offer, member_id, named) for member_id in asking.member_ids]


def by_job(make: MakeJob) -> Wishing:
    """Wish for all at once, as the staff do."""

    def wish(asking: Asking) -> Sequence[Wish]:
        job_id = make(asking.session, asking.offer.template_id, asking.member_ids)
        return [Wish(asking.offer, asking.member_ids[0], str(job_id))]

    return wish
