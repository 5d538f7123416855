"""How clients that race for one stock get coupons along each path, all in this process; the paths: ``coupon_paths``."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.rules.taking_part import CampaignUsedUp
from loyalty.campaigns.rules.terms import GiveCoupon, Visit
from loyalty.campaigns.service.triggers import take_part
from loyalty.coupons.queries.codes import get_batch
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.by_hand import GiveReason
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.rules.errors import CouponSoldOut
from loyalty.coupons.rules.issue_jobs import Work
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import MemberLimits
from loyalty.coupons.service import by_hand, self_service
from loyalty.coupons.service.code_batches import make_batch
from loyalty.coupons.service.issue_jobs import create_for_tag
from loyalty.coupons.service.issuing import Issued, issue
from loyalty.earning.rules import Conditions, Definition, EarningEvent
from loyalty.earning.service import Happening, reward
from loyalty.earning.service.rules import end
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from loyalty.missions.models import MissionReward
from loyalty.missions.rules.terms import CouponReward, MissionEvent, Step
from loyalty.referrals.models import ReferralReward
from loyalty.referrals.service.rewarding import reward as reward_referral
from tests.factories.campaign_runs import make_entrance, put_in_force
from tests.factories.campaigns import campaign_of
from tests.factories.coupons import ACTOR, SHANGHAI, make_template, terms_of
from tests.factories.earning import make_rule
from tests.factories.issue_jobs import MAKER, approve, do_pages, figures_of, list_of, upload
from tests.factories.members import make_member
from tests.factories.missions import do, make_mission
from tests.factories.points import AT
from tests.factories.referrals import make_coupon_programme, make_qualified
from tests.factories.tags import make_tag, put_tag
from tests.support.containers import NullContainer
from tests.support.settings import VAULT


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


Client = Callable[[Sale, int], int]


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


def each(get: Callable[[Wish], int]) -> Client:
    """Let a client's members come one after the other."""

    def get_all(sale: Sale, client: int) -> int:
        got, group = 0, sale.groups[client]
        for turn, member_id in enumerate(group):
            with suppress(CouponSoldOut):
                got += get(Wish(sale, member_id, client * len(group) + turn))
        return got

    return get_all


def claim(wish: Wish) -> int:
    sale = wish.sale
    return _new(
        self_service.claim(
            sale.container.database,
            template_id=sale.template_id,
            member_id=wish.member_id,
            key=f"{wish.number}",
            at=sale.at,
            zone=SHANGHAI,
        )
    )


def by_link(wish: Wish) -> int:
    sale = wish.sale
    return _new(
        self_service.claim_by_link(
            sale.container.database,
            link_token=sale.link_token,
            member_id=wish.member_id,
            key=f"{wish.number}",
            at=sale.at,
            zone=SHANGHAI,
        )
    )


def by_code(wish: Wish) -> int:
    sale, key = wish.sale, wish.sale.container.settings.member_code_key
    return _new(
        self_service.claim_by_code(
            sale.container.database,
            codes_key=key,
            typed=claim_code(key, sale.first_serial + wish.number),
            member_id=wish.member_id,
            at=sale.at,
            zone=SHANGHAI,
        )
    )


def by_rule(wish: Wish) -> int:
    sale = wish.sale
    happening = Happening(
        event=EarningEvent.CUSTOM, member_id=wish.member_id, occurred_at=sale.at, custom_kind=sale.kind
    )
    outcome = run(
        sale.container.database,
        lambda session: reward(
            session, VAULT, happening=happening, reference=f"{sale.kind}:{wish.number}", at=sale.at, zone=SHANGHAI
        ),
    )
    missed = [one for one in outcome.misses if one["rule_id"] == sale.rule_id]
    assert [one["lacking"]["refusal"] for one in missed] in ([], ["coupon_sold_out"])
    return sum("coupon_id" in one for one in outcome.awards)


def by_mission(wish: Wish) -> int:
    sale = wish.sale
    mine = MissionReward.mission_id == sale.mission_id, MissionReward.member_id == wish.member_id

    def tell_and_look(session: Session) -> int:
        kind = deed_of(sale.template_id)
        do(session, wish.member_id, sale.at, event=MissionEvent.CUSTOM, custom_kind=kind)
        return session.scalars(select(func.count()).where(*mine, MissionReward.coupon_id.is_not(None))).one()

    return run(sale.container.database, tell_and_look)


def by_referral(wish: Wish) -> int:
    sale = wish.sale

    def pay_and_look(session: Session) -> int:
        referral_id = make_qualified(session, referrer_id=wish.member_id, programme_id=sale.programme_id, at=sale.at)
        reward_referral(session, referral_id=referral_id, at=sale.at, zone=SHANGHAI)
        is_this = ReferralReward.referral_id == referral_id, ReferralReward.coupon_id.is_not(None)
        return session.scalars(select(func.count()).where(*is_this)).one()

    return run(sale.container.database, pay_and_look)


def by_visit(wish: Wish) -> int:
    sale, entrance = wish.sale, wish.sale.entrance
    try:
        taken = run(
            sale.container.database,
            lambda session: take_part(
                session, vault=VAULT, campaign_id=entrance.campaign_id, member_id=wish.member_id,
                entrance_id=entrance.entrance_id, at=sale.at, zone=SHANGHAI,
            ),
        )  # fmt: skip
    except CampaignUsedUp:
        return 0
    return len(taken.coupon_ids)


def by_staff(wish: Wish) -> int:
    sale = wish.sale
    return _new(
        run(
            sale.container.database,
            lambda session: by_hand.give(
                session, template_id=sale.template_id, member_id=wish.member_id, key=f"{sale.kind}:{wish.number}",
                reason=GiveReason.CARE, actor=ACTOR, at=sale.at, zone=SHANGHAI,
            ),
        )
    )  # fmt: skip


def by_partner(wish: Wish) -> int:
    sale = wish.sale
    return _new(
        run(
            sale.container.database,
            lambda session: issue(
                session, template_id=sale.template_id, member_id=wish.member_id, path=IssuePath.PARTNER,
                reference=f"partner:{sale.kind}:{wish.number}", actor="partner:1", at=sale.at, zone=SHANGHAI,
            ),
        )
    )  # fmt: skip


def in_bulk(sale: Sale, client: int) -> int:
    job_id = sale.jobs[client]
    do_pages(sale.container, job_id, Work.ISSUE)
    return figures_of(sale.container.database, job_id, Work.ISSUE).get("issued", 0)


MakeJob = Callable[[Session, int, Sequence[int]], int]


def for_tag(session: Session, template_id: int, member_ids: Sequence[int]) -> int:
    """Return a job for who has a tag."""
    tag_id = make_tag(session)
    for member_id in member_ids:
        put_tag(session, tag_id, member_id)
    return create_for_tag(
        session, title="按标签发券", template_id=template_id, store_id=None, tag_id=tag_id, actor=MAKER, at=AT
    )


def for_file(session: Session, template_id: int, member_ids: Sequence[int]) -> int:
    """Return a job for whom a file names."""
    numbers = session.scalars(select(Member.number).where(Member.id.in_(member_ids)))
    return upload(session, template_id, list_of(numbers.all()))


def approved_job(sale: Sale, client: int, *, make: MakeJob, check: Work) -> int:
    """Return a job for a client's members that waits to issue."""
    job_id = run(sale.container.database, lambda session: make(session, sale.template_id, sale.groups[client]))
    do_pages(sale.container, job_id, check)
    run(sale.container.database, lambda session: approve(session, job_id))
    return job_id


def _new(issued: Issued) -> int:
    return int(not issued.is_replay)
