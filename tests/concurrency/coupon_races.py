"""How clients that race for one stock get coupons along each path, all in this process; the paths: ``coupon_paths``."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.rules.taking_part import CampaignUsedUp
from loyalty.campaigns.service.triggers import take_part
from loyalty.coupons.rules.by_hand import GiveReason
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.rules.errors import CouponSoldOut
from loyalty.coupons.rules.issue_jobs import Work
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service import by_hand, self_service
from loyalty.coupons.service.issue_jobs import create_for_tag
from loyalty.coupons.service.issuing import Issued, issue
from loyalty.earning.rules import EarningEvent
from loyalty.earning.service import Happening, reward
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from loyalty.missions.models import MissionReward
from loyalty.missions.rules.terms import MissionEvent
from loyalty.referrals.models import ReferralReward
from loyalty.referrals.service.rewarding import reward as reward_referral
from tests.concurrency.coupon_sales import Sale, Wish, deed_of
from tests.factories.coupons import ACTOR, SHANGHAI
from tests.factories.issue_jobs import MAKER, approve, do_pages, figures_of, list_of, upload
from tests.factories.missions import do
from tests.factories.points import AT
from tests.factories.referrals import make_qualified
from tests.factories.tags import make_tag, put_tag
from tests.support.settings import VAULT

Client = Callable[[Sale, int], int]


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
