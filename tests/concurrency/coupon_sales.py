"""The sales of one template that clients race for, along every path at once: opened with all that gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.campaigns.rules.terms import GiveCoupon, Visit
from loyalty.coupons.queries.codes import get_batch
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.terms import MemberLimits
from loyalty.coupons.service.code_batches import make_batch
from loyalty.earning.rules import Conditions, Definition, EarningEvent
from loyalty.earning.service.rules import end
from loyalty.kernel.transaction import run
from loyalty.missions.rules.terms import CouponReward, MissionEvent, Step
from tests.factories.campaign_runs import make_entrance, put_in_force
from tests.factories.campaigns import campaign_of
from tests.factories.coupons import ACTOR, make_template, terms_of
from tests.factories.earning import make_rule
from tests.factories.members import make_member
from tests.factories.missions import make_mission
from tests.factories.referrals import make_coupon_programme
from tests.factories.tags import make_tag, put_tag
from tests.support.containers import NullContainer


@dataclass(frozen=True)
class Entrance:
    """A way into a campaign."""

    campaign_id: int
    entrance_id: int


@dataclass
class Sale:
    """A template that all clients want, and what each path needs besides."""

    container: NullContainer
    at: datetime
    template_id: int
    link_token: str
    rule_id: int
    mission_id: int
    programme_id: int
    entrance: Entrance
    first_serial: int
    groups: Mapping[int, Sequence[int]]
    """Members by client: everybody wants one coupon."""
    jobs: dict[int, int] = field(default_factory=dict)
    """Issue jobs by client, of those who issue in bulk."""

    @property
    def kind(self) -> str:
        return kind_of(self.template_id)


@dataclass(frozen=True)
class Wish:
    """One member's turn."""

    sale: Sale
    member_id: int
    number: int


def open_sale(container: NullContainer, *, stock: int, clients: int, turns: int, at: datetime) -> Sale:
    """Prepare for clients, with so many members each."""
    count = clients * turns

    def prepare(session: Session) -> Sale:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)), stock=stock, at=at)
        batch_id = make_batch(session, template_id=template_id, name="传单", count=count, actor=ACTOR, at=at)
        ids = [make_member(session, phone=None).id for _ in range(count)]
        return Sale(
            container=container,
            at=at,
            template_id=template_id,
            link_token=get_template(session, template_id=template_id).link_token,
            rule_id=make_gift_rule(session, template_id),
            mission_id=make_gift_mission(session, template_id),
            programme_id=make_coupon_programme(session, template_id, at=at),
            entrance=make_gift_campaign(session, template_id, ids, at=at),
            first_serial=get_batch(session, batch_id=batch_id).first_serial,
            groups={client: ids[client * turns : (client + 1) * turns] for client in range(clients)},
        )

    return run(container.database, prepare)


def make_gift_rule(session: Session, template_id: int) -> int:
    """Return a rule that gives a coupon of this template for an event of a kind of its own."""
    conditions = Conditions(custom_kind=kind_of(template_id))
    gift = Definition(event=EarningEvent.CUSTOM, coupon_template_id=template_id, conditions=conditions)
    return make_rule(session, gift, name="自定义送券")


def make_gift_mission(session: Session, template_id: int) -> int:
    """Return a mission that gives a coupon of this template for a deed of a kind of its own."""
    step = Step(1, CouponReward(template_id))
    return make_mission(session, event=MissionEvent.CUSTOM, custom_kind=deed_of(template_id), steps=(step,))


def make_gift_campaign(session: Session, template_id: int, member_ids: Sequence[int], *, at: datetime) -> Entrance:
    """Return the entrance of a campaign that gives a coupon of this template to whoever of these members comes."""
    tag_id = make_tag(session)
    for member_id in member_ids:
        put_tag(session, tag_id, member_id)
    terms = campaign_of(tag_id, trigger=Visit(), actions=(GiveCoupon(template_id),))
    campaign_id = put_in_force(session, terms, at=at)
    return Entrance(campaign_id, make_entrance(session, campaign_id, at=at))


def kind_of(template_id: int) -> str:
    """Return the event for which a rule gives a template."""
    return f"sale.t{template_id}"


def deed_of(template_id: int) -> str:
    """Return the event for which a mission gives a template."""
    return f"deed.t{template_id}"


def close_sale(sale: Sale) -> None:
    """End the rule, since other tests share the database."""
    run(sale.container.database, lambda session: end(session, rule_id=sale.rule_id, actor=ACTOR, at=sale.at))
