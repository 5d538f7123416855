"""Giving (发放): what a campaign gives to a page of members, in a handful of statements, each all of it or nothing.

Tags are kept as they stand, members as they are, accounts locked; then the limits are taken, those of the campaign
before the stock of its coupons, and at last everything is written. What is written names the campaign and the
occurrence, so that nobody is given it twice and undoing finds it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.broadcasts import service as broadcasts
from loyalty.campaigns.models import CampaignRevision
from loyalty.campaigns.queries.campaigns import terms_of
from loyalty.campaigns.queries.settings import points_per_yuan
from loyalty.campaigns.rules.costs import Cost, cost_of
from loyalty.campaigns.rules.entries import MissReason
from loyalty.campaigns.rules.limiting import (
    COUPONS_TOTAL,
    FEN_TOTAL,
    MEMBERS_TOTAL,
    POINTS_TOTAL,
    member_limit,
    totals_of,
)
from loyalty.campaigns.rules.messages import content_of
from loyalty.campaigns.rules.terms import GiveCoupon, GivePoints, PutTag, SendMessage, Terms
from loyalty.campaigns.rules.works import giver, reference_of
from loyalty.campaigns.service.holding import HeldCampaign
from loyalty.campaigns.service.reserving import Reservation, is_used_up
from loyalty.campaigns.service.tagging import put_tag, usable_tags
from loyalty.coupons.queries.templates import TemplateView, get_template
from loyalty.coupons.rules.errors import CouponHoursOver, CouponNotIssuing, CouponPeriodOver
from loyalty.coupons.rules.issuing import check_issuing
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service.eligible import find_barred
from loyalty.coupons.service.issuing_many import CouponsForMany, Issue
from loyalty.kernel.database import Json
from loyalty.limits.rules import member_entity
from loyalty.limits.service import used_by_each
from loyalty.points.rules.expiry import ExpiryPolicy, PolicyKind, lot_terms
from loyalty.points.service import programme_policy
from loyalty.points.service.batches import Change, adjust_many, lock_accounts, open_accounts


@dataclass(frozen=True, slots=True)
class Gift:
    """What a page gives by: the campaign as it stands, the revision by which members entered, the store, and when."""

    campaign: HeldCampaign
    revision_id: int
    store_id: int | None
    """Of the entrance by which they came."""
    message_subject: str
    at: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Given:
    """What came of a page."""

    cost: Cost
    """Of each member who was given it."""
    missed: Mapping[int, MissReason]


class _Coupon:
    """One coupon of the campaign's actions, as far as its template issues now."""

    def __init__(self, session: Session, gift: Gift, number: int, template: TemplateView) -> None:
        """Reckon it.

        Raises:
            CouponNotIssuing, CouponPeriodOver, CouponHoursOver: the template issues nothing now.
        """
        if template.published is None or template.revision_id is None:
            raise CouponNotIssuing(state=template.state.value)
        self.terms, self.number = template.published, number
        check_issuing(template.state, self.terms.claiming, IssuePath.CAMPAIGN, gift.at)
        issue = Issue(
            template_id=template.id,
            revision_id=template.revision_id,
            terms=self.terms,
            stock=template.stock,
            path=IssuePath.CAMPAIGN,
            store_id=gift.store_id,
            actor=giver(gift.campaign.id),
        )
        self.many = CouponsForMany(session, issue, zone=gift.zone, at=gift.at)


def give(session: Session, gift: Gift, occurrences: Mapping[int, str]) -> Given:
    """Give members, each with the occurrence in which they are, what the campaign gives; who goes without is named."""
    page = _Page(session, gift, occurrences)
    page.reserve()
    page.write()
    return Given(page.cost, page.taken.missed)


class _Page:
    """What one page gives."""

    def __init__(self, session: Session, gift: Gift, occurrences: Mapping[int, str]) -> None:
        self._session, self._gift, self._occurrences = session, gift, occurrences
        self._terms: Terms = terms_of(session, revision_id=gift.revision_id)
        self.taken = Reservation(session, sorted(occurrences))
        templates = self._templates()
        self._coupons = self._issuing(templates)
        in_force = {one: template.published for one, template in templates.items() if template.published is not None}
        self.cost = cost_of(self._terms.actions, points_per_yuan=points_per_yuan(session), coupons=in_force)
        self._tags = usable_tags(
            session, [action.tag_id for action in self._terms.actions if isinstance(action, PutTag)]
        )

    def reserve(self) -> None:
        """Take what the members need of every limit; who cannot have all of it has nothing."""
        if self._coupons is None:
            self._refuse_all(MissReason.COUPON_REFUSED)
            return
        self._refuse_all(self._used_up())
        for coupon in self._coupons:
            barred = find_barred(
                self._session,
                eligibility=coupon.terms.eligibility,
                member_ids=self.taken.member_ids,
                at=self._gift.at,
            )
            self.taken.leave_out(dict.fromkeys(barred, MissReason.COUPON_NOT_FOR_MEMBER))
        if self.cost.points and self.taken.member_ids:
            open_accounts(self._session, member_ids=self.taken.member_ids, at=self._gift.at)
            lock_accounts(self._session, member_ids=self.taken.member_ids)
        self._take_limits(self._coupons)

    def write(self) -> None:
        """Write what the members get."""
        member_ids = self.taken.member_ids
        if not member_ids:
            return
        for coupon in self._coupons or ():
            coupon.many.write(self._references(coupon.number))
        for number, action in enumerate(self._terms.actions):
            match action:
                case GivePoints():
                    self._give_points(number, action)
                case PutTag(tag_id) if tag_id in self._tags:
                    put_tag(
                        self._session, tag_id=tag_id, member_ids=member_ids,
                        by=giver(self._gift.campaign.id), at=self._gift.at,
                    )  # fmt: skip
                case SendMessage():
                    self._send(action)

    def _templates(self) -> Mapping[int, TemplateView]:
        wanted = {action.template_id for action in self._terms.actions if isinstance(action, GiveCoupon)}
        return {one: get_template(self._session, template_id=one) for one in sorted(wanted)}

    def _issuing(self, templates: Mapping[int, TemplateView]) -> Sequence[_Coupon] | None:
        """Return the coupons in the order of their limits; None when one of them is not issued now."""
        numbered = [
            (action.template_id, number)
            for number, action in enumerate(self._terms.actions)
            if isinstance(action, GiveCoupon)
        ]
        try:
            return [
                _Coupon(self._session, self._gift, number, templates[template_id])
                for template_id, number in sorted(numbered)
            ]
        except (CouponNotIssuing, CouponPeriodOver, CouponHoursOver):
            return None

    def _refuse_all(self, reason: MissReason | None) -> None:
        if reason is not None:
            self.taken.leave_out(dict.fromkeys(self.taken.member_ids, reason))

    def _used_up(self) -> MissReason | None:
        """Look, without a lock, for what leaves nothing for anybody."""
        caps, amounts = self._gift.campaign.terms.caps, dict(self._amounts())
        if caps.times_a_member > 1:
            amounts[MEMBERS_TOTAL] = 0  # who has taken part before is counted already
        for name, limit in totals_of(caps, campaign_id=self._gift.campaign.id).items():
            if is_used_up(self._session, limit, amounts[name]):
                return MissReason(name)
        is_sold_out = any(coupon.many.find_sold_out() for coupon in self._coupons or ())
        return MissReason.COUPON_STOCK if is_sold_out else None

    def _take_limits(self, coupons: Sequence[_Coupon]) -> None:
        caps, campaign_id = self._gift.campaign.terms.caps, self._gift.campaign.id
        own = member_limit(caps, campaign_id=campaign_id, member_id=0)
        self.taken.take_own(own, MissReason.MEMBER_TIMES)
        for coupon in coupons:
            refused = coupon.many.reserve_own(self.taken.member_ids)
            self.taken.leave_out(dict.fromkeys(refused, MissReason.COUPON_LIMIT))
            self.taken.took(lambda gone, many=coupon.many: many.give_back_own(list(gone)))  # type: ignore[misc]
        again = self._here_before(own.period) if caps.times_a_member > 1 else frozenset[int]()
        for name, limit in totals_of(caps, campaign_id=campaign_id).items():
            amount = self._amounts()[name]
            counted = partial(_unless, again if name == MEMBERS_TOTAL else frozenset(), amount)
            self.taken.take_shared([limit], counted, MissReason(name))
        for coupon in coupons:
            self.taken.take_shared(coupon.many.stock, lambda _one: 1, MissReason.COUPON_STOCK)

    def _amounts(self) -> Mapping[str, int]:
        return {
            POINTS_TOTAL: self.cost.points,
            COUPONS_TOTAL: self.cost.coupons,
            FEN_TOTAL: self.cost.fen,
            MEMBERS_TOTAL: 1,
        }

    def _here_before(self, period: str) -> frozenset[int]:
        """Return who has taken part before this time, and so is counted among the members already."""
        caps, campaign_id = self._gift.campaign.terms.caps, self._gift.campaign.id
        entities = {member_entity(one): one for one in self.taken.member_ids}
        own = member_limit(caps, campaign_id=campaign_id, member_id=0)
        times = used_by_each(self._session, limits=[own], entities=list(entities))
        return frozenset(entities[entity] for entity, periods in times.items() if periods[period] > 1)

    def _references(self, number: int) -> Mapping[int, str]:
        return {
            one: reference_of(self._gift.campaign.id, self._occurrences[one], number) for one in self.taken.member_ids
        }

    def _give_points(self, number: int, action: GivePoints) -> None:
        gift = self._gift
        policy = (
            programme_policy(self._session)
            if action.valid_days is None
            else ExpiryPolicy(PolicyKind.ROLLING_DAYS, n=action.valid_days)
        )
        lot = lot_terms(policy, gift.at, gift.zone)
        changes = [
            Change(one, action.points, reference, lot.expires_at, lot.idle_days, lot.idle_zone)
            for one, reference in self._references(number).items()
        ]
        revision = self._session.get_one(CampaignRevision, gift.revision_id)
        told: Json = {
            "rule": "campaign",
            "campaign_id": gift.campaign.id,
            "revision": revision.number,
            "title": self._terms.title,
        }
        adjust_many(self._session, changes=changes, explanation=told, actor=giver(gift.campaign.id), at=gift.at)

    def _send(self, action: SendMessage) -> None:
        gift = self._gift
        broadcast_id = broadcasts.create(
            self._session,
            subject=gift.message_subject,
            content=content_of(action),
            channels=action.channels,
            at=gift.at,
        )
        broadcasts.add_members(
            self._session, broadcast_id=broadcast_id, member_ids=self.taken.member_ids, due_at=gift.at, at=gift.at
        )


def _unless(excepted: frozenset[int], amount: int, member_id: int) -> int:
    return 0 if member_id in excepted else amount
