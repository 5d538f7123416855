"""Seeding the demo chain: one stage after the other, each of which adds only what is missing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from loyalty.container import Container
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel import outbox
from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.database import Session
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from portal.demo.batches import seed_batch
from portal.demo.campaigns import seed_campaigns
from portal.demo.chain import seed_chain
from portal.demo.clerk import bind_clerk
from portal.demo.coupon_issues import seed_coupon_issue
from portal.demo.coupon_templates import GIFT, seed_coupon_templates
from portal.demo.coupons import seed_coupons
from portal.demo.history import enrol_members, live_through
from portal.demo.invitations import seed_invitations
from portal.demo.menu import publish_demo_menu, seed_menu_draft
from portal.demo.missions import seed_missions
from portal.demo.payouts import seed_payout_settings
from portal.demo.people import HISTORY_DAYS, MEMBERS, DemoMember, demo_members
from portal.demo.programme import seed_check_in_plan, seed_earning_rules, seed_tiers
from portal.demo.promoter import promoter_of
from portal.demo.purchases import Shops, buy, buyers_of
from portal.demo.referrals import seed_invitation_rules
from portal.demo.replies import seed_replies
from portal.demo.scenes import seed_scenes
from portal.demo.staff import actor_of, seed_staff
from portal.demo.tags import seed_tags
from portal.demo.templates import seed_templates
from portal.demo.texts import seed_texts
from portal.demo.tills import seed_keys, seed_points_as_money

THREADS = 3
PAGE = 25


def seed(container: Container, *, members: int = MEMBERS) -> Iterator[str]:
    """Make what is missing of the demo chain, and tell of each part in one line."""
    at = container.clock.now()
    founded_at = start_of(business_date(at, container.zone) - timedelta(days=HISTORY_DAYS + 1), container.zone)
    store_ids = run(container.database, lambda session: seed_chain(session, at=founded_at))
    yield f"门店 Stores: {len(store_ids)}"
    templates = run(container.database, partial(seed_coupon_templates, container=container, at=founded_at, now=at))
    yield f"优惠券模板 Coupon templates: {len(templates)}"
    yield from _rules(container, store_ids, templates.get(GIFT), founded_at)
    yield from _channels(container, founded_at)
    source = run(container.database, partial(_tills, container=container, store_ids=store_ids, at=founded_at))
    yield "收银接入 Tills: there"
    yield from _members(container, Shops(store_ids, source), templates, members, at)
    if container.settings.wechat_sandbox_url:
        for account in container.official_accounts.values():
            yield from _platform(container, account, store_ids, at)


def _rules(
    container: Container, store_ids: dict[str, int], coupon_template_id: int | None, at: datetime
) -> Iterator[str]:
    database, zone = container.database, container.zone
    made = run(database, lambda session: seed_staff(session, store_ids=store_ids, at=at))
    yield f"员工 Staff: {made} new"
    run(database, lambda session: seed_tiers(session, at=at))
    run(database, lambda session: seed_check_in_plan(session, zone=zone, at=at))
    yield "等级与签到方案 Tiers and check-in plan: there"
    run(database, partial(seed_earning_rules, coupon_template_id=coupon_template_id, zone=zone, at=at))
    yield "积分规则 Earning rules: there"
    run(database, partial(seed_missions, zone=zone, at=at))
    yield "任务与补签 Missions and make-ups: there"
    run(database, partial(_money, container=container, at=at))
    yield "邀请、佣金、风控与打款 Invitations, commissions, risk and payouts: there"
    made = run(database, lambda session: seed_texts(session, at=at))
    yield f"协议文本 Privacy texts: {made} new"


def _money(session: Session, *, container: Container, at: datetime) -> None:
    risk_officer = actor_of(session, username="risk")
    seed_invitation_rules(session, container, actor=risk_officer, at=at)
    seed_payout_settings(session, container=container, at=at)


def _tills(session: Session, *, container: Container, store_ids: dict[str, int], at: datetime) -> str:
    """Let points pay and tills report; return under which name they do."""
    seed_points_as_money(session, at=at)
    approver = actor_of(session, username="hq_admin")
    return seed_keys(session, container, store_ids=store_ids, approver=approver, at=at)


def _channels(container: Container, at: datetime) -> Iterator[str]:
    made = 0
    for appid in container.official_accounts:
        made += run(container.database, partial(seed_replies, appid=appid, at=at))
        run(container.database, partial(seed_menu_draft, appid=appid, at=at))
    yield f"自动回复 Replies: {made} new"
    made = run(container.database, lambda session: seed_templates(session, container, at=at))
    yield f"消息模板 Message templates: {made} new or moved"


def _members(container: Container, shops: Shops, templates: dict[str, int], count: int, at: datetime) -> Iterator[str]:
    """Enrol page by page and let each page live through its past, so that a broken-off seed goes on where it was."""
    members = demo_members(count=count, zone=container.zone, at=at)
    buyers = buyers_of(members, at=at)
    enrolled = acts = 0
    for first in range(0, count, PAGE):
        page = members[first : first + PAGE]
        ids = _enrolled(container, page, shops)
        _bought(container, [one for one in buyers if one.openid in ids], ids, shops, at)
        run(container.database, partial(outbox.drop, member_ids=ids.values(), recorded_before=at))
        enrolled += len(ids)
        acts += sum(len(member.acts) for member in members if member.openid in ids)
    yield f"会员 Members: {enrolled} new, with {acts} acts of the past"
    actor = run(container.database, partial(actor_of, username="marketer"))
    run(container.database, partial(seed_batch, container=container, members=members, actor=actor, at=at))
    yield "批量调整 Batch of adjustments: there"
    run(container.database, partial(seed_tags, container=container, members=members, actor=actor, at=at))
    yield "标签 Tags: there"
    held = partial(seed_coupons, container=container, templates=templates, store_ids=shops.store_ids)
    run(container.database, partial(held, members=members, actor=actor, at=at))
    yield "会员的优惠券与兑换码 Coupons and codes: there"
    run(container.database, partial(seed_coupon_issue, templates=templates, actor=actor, at=at))
    yield "批量发券 Coupons for many: there"
    if members:
        run(container.database, partial(seed_campaigns, container=container, templates=templates, at=at))
    yield "分群与活动 Segments and campaigns: there"
    invited = partial(seed_invitations, container=container, shops=shops, promoter=promoter_of(container))
    if members:
        run(container.database, partial(invited, at=at))
    yield "推广员与提现 A promoter with friends and withdrawals: there"


def _enrolled(container: Container, members: list[DemoMember], shops: Shops) -> dict[str, int]:
    store_ids = shops.store_ids
    ids = run(
        container.database,
        lambda session: enrol_members(session, container, members=members, store_ids=store_ids),
    )
    with ThreadPoolExecutor(THREADS) as threads:  # while one waits for the database another works
        lives = [
            threads.submit(live_through, container, member=member, member_id=ids[member.openid], store_ids=store_ids)
            for member in members
            if member.openid in ids
        ]
        for life in lives:
            life.result()
    return ids


def _bought(container: Container, buyers: list[DemoMember], ids: dict[str, int], shops: Shops, at: datetime) -> None:
    for member in buyers:
        bought = partial(buy, container=container, member=member, member_id=ids[member.openid], shops=shops, at=at)
        run(container.database, bought)


def _platform(container: Container, account: OfficialAccount, store_ids: dict[str, int], at: datetime) -> Iterator[str]:
    try:
        is_published = publish_demo_menu(container, account, at=at)
        made = seed_scenes(container, account, store_ids=store_ids, at=at)
    except LoyaltyError as error:
        yield f"⚠ 菜单和门店二维码未完成：{error.message} · {account.appid}: {error.code}; seed again to complete"
        return
    yield from _clerk(container, account, at)
    yield f"菜单 Menu: {'published' if is_published else 'live'} · 门店二维码 Store QR codes: {made} new"


def _clerk(container: Container, account: OfficialAccount, at: datetime) -> Iterator[str]:
    try:
        is_new = bind_clerk(container, account, at=at)
    except OSError as error:
        yield f"⚠ 店员的微信未绑定 The clerk's phone is not bound ({error}); seed again to complete"
        return
    yield f"店员微信 Clerk's phone: {'bound' if is_new else 'there'}"
