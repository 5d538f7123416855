"""Segments and campaigns of the demo chain (分群与活动): one runs, one waits for a second person, one is over.

What the runs of the past gave was given then: coupons only, since points are never written behind what came after.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import partial

from loyalty.campaigns.queries.campaigns import get_campaign, list_campaigns
from loyalty.campaigns.rules.terms import Caps, GiveCoupon, GivePoints, Now, Recurring, Repetition, SendMessage, Terms
from loyalty.campaigns.rules.works import GIVEN, Work
from loyalty.campaigns.service import life
from loyalty.campaigns.service.acting import act_page
from loyalty.campaigns.service.drafting import create_campaign
from loyalty.campaigns.service.entering import enter_page
from loyalty.campaigns.service.starting import begin_due_runs
from loyalty.container import Container
from loyalty.kernel import bulk, outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Session
from loyalty.segments.queries import list_segments
from loyalty.segments.rules.conditions import All, Condition
from loyalty.segments.rules.fact_types import Activity, Balance, Enrolled
from loyalty.segments.service import save_segment
from portal.demo.coupon_templates import CASH_OFF, PERCENT_OFF
from portal.demo.staff import actor_of

_DAY = timedelta(days=1)
_WEEKS = (14, 7)
"""So many days ago the members' day was held."""
LIVELY, SAVERS = "近 60 天活跃会员", "积分攒得多的会员"
SEGMENTS: Mapping[str, Condition] = {
    LIVELY: All((Activity(days_most=60), Enrolled(days_least=20))),
    SAVERS: All((Balance(least=300),)),
}
_LEAVE = "退订可到“消息设置”。"
_TEXT = "会员日优惠券已到账，14 天内有效。" + _LEAVE


def seed_campaigns(session: Session, container: Container, *, templates: Mapping[str, int], at: datetime) -> bool:
    """Save the segments, and launch, submit and end the campaigns, where there are none."""
    if list_campaigns(session, limit=1).items or not {CASH_OFF, PERCENT_OFF} <= set(templates):
        return False
    marketer = actor_of(session, username="marketer")
    segment_ids = _seed_segments(session, marketer, at)
    running = _members_day(templates[PERCENT_OFF], segment_ids[LIVELY], business_date(at, container.zone).isoweekday())
    _launch(session, container, running, at=at - 15 * _DAY)
    _submit(session, container, _thanks(templates[PERCENT_OFF], segment_ids[SAVERS]), at=at)
    over = _launch(session, container, _spring(templates[CASH_OFF]), at=at - 30 * _DAY)
    life.end(session, campaign_id=over, actor=marketer, at=at - 9 * _DAY)
    for days in _WEEKS:
        _hold(session, container, at=at - days * _DAY)
    outbox.drop_kind(session, kind=GIVEN, recorded_before=at)
    return True


def _seed_segments(session: Session, actor: Actor, at: datetime) -> dict[str, int]:
    known = {one.title: one.id for one in list_segments(session)}
    return {
        title: known.get(title) or save_segment(session, title=title, condition=condition, actor=actor, at=at)
        for title, condition in SEGMENTS.items()
    }


def _members_day(template_id: int, segment_id: int, weekday: int) -> Terms:
    """A coupon every week on the day of the seed, from midnight on."""
    return Terms(
        title="每周会员日",
        audience=SEGMENTS[LIVELY],
        segment_id=segment_id,
        trigger=Recurring(Repetition.WEEKLY, time(0), frozenset({weekday})),
        actions=(
            GiveCoupon(template_id),
            SendMessage("会员日到了", _TEXT, ("subscription", "customer", "inbox"), "/h5/coupons"),
        ),
        rules_text="近 60 天到店或签到的会员，每周会员日可得 8.5 折券一张，14 天内有效，最多 3 次。",
        caps=Caps(coupons=3_000, times_a_member=3),
        holdout_percent=20,
    )


def _thanks(template_id: int, segment_id: int) -> Terms:
    """It waits for a second person: what it may cost is above what needs none."""
    return Terms(
        title="每月攒分回馈",
        audience=SEGMENTS[SAVERS],
        segment_id=segment_id,
        trigger=Recurring(Repetition.MONTHLY, time(10), frozenset({1})),
        actions=(
            GivePoints(50, 14),
            GiveCoupon(template_id),
            SendMessage(
                "谢谢您的光临",
                "8.5 折券和 50 积分已到账，14 天内有效。" + _LEAVE,
                ("subscription", "customer", "inbox"),
                "/h5/coupons",
            ),
        ),
        rules_text="每月 1 日可用积分不少于 300 的会员可得 8.5 折券一张和 50 积分，均 14 天内有效，最多 3 次。",
        caps=Caps(coupons=1_000, times_a_member=3),
        holdout_percent=10,
    )


def _spring(template_id: int) -> Terms:
    return Terms(
        title="春季回访礼",
        audience=All((Enrolled(days_least=0),)),
        trigger=Now(),
        actions=(GiveCoupon(template_id),),
        rules_text="活动开始时已入会的会员每人一张满 100 减 20 券，30 天内有效。",
        caps=Caps(coupons=1_000, fen=20_000_00),
        holdout_percent=20,
    )


def _launch(session: Session, container: Container, terms: Terms, *, at: datetime) -> int:
    """Submit by the marketer, approve by headquarters, and begin what begins at once."""
    campaign_id = _submit(session, container, terms, at=at)
    if get_campaign(session, campaign_id=campaign_id).is_waiting:
        life.decide(
            session,
            campaign_id=campaign_id,
            is_approved=True,
            seen_fen=None,
            actor=actor_of(session, username="hq_admin"),
            vault=container.vault,
            zone=container.zone,
            at=at,
        )
    _hold(session, container, at=at)
    return campaign_id


def _submit(session: Session, container: Container, terms: Terms, *, at: datetime) -> int:
    marketer, zone = actor_of(session, username="marketer"), container.zone
    campaign_id = create_campaign(session, terms=terms, actor=marketer, zone=zone, at=at)
    life.submit(session, campaign_id=campaign_id, actor=marketer, vault=container.vault, zone=zone, at=at)
    return campaign_id


def _hold(session: Session, container: Container, *, at: datetime) -> None:
    """Do what was due at an instant, as the workers would have done it."""
    zone = container.zone
    begin_due_runs(session, zone=zone, at=at)
    enter = partial(enter_page, vault=container.vault, zone=zone, at=at)
    act = partial(act_page, zone=zone, at=at)
    for kind, page in ((Work.ENTER, enter), (Work.ACT, act)):
        for run_id in bulk.list_running(session):
            if bulk.get_run(session, run_id=run_id).kind == kind:
                while bulk.work_page(session, run_id=run_id, page=page, at=at):
                    pass
