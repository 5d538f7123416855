"""Seeding the demo chain: one stage after the other, each of which adds only what is missing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from loyalty.container import Container
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel import outbox
from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from portal.demo.chain import seed_chain
from portal.demo.history import enrol_members, live_through
from portal.demo.menu import publish_demo_menu, seed_menu_draft
from portal.demo.people import HISTORY_DAYS, MEMBERS, DemoMember, demo_members
from portal.demo.programme import seed_check_in_plan, seed_earning_rules, seed_tiers
from portal.demo.replies import seed_replies
from portal.demo.scenes import seed_scenes
from portal.demo.staff import seed_staff
from portal.demo.templates import seed_templates
from portal.demo.texts import seed_texts

THREADS = 3
PAGE = 25


def seed(container: Container, *, members: int = MEMBERS) -> Iterator[str]:
    """Make what is missing of the demo chain, and tell of each part in one line."""
    at = container.clock.now()
    founded_at = start_of(business_date(at, container.zone) - timedelta(days=HISTORY_DAYS + 1), container.zone)
    store_ids = run(container.database, lambda session: seed_chain(session, at=founded_at))
    yield f"门店 Stores: {len(store_ids)}"
    yield from _rules(container, store_ids, founded_at)
    yield from _channels(container, founded_at)
    yield from _members(container, store_ids, members, at)
    if container.settings.wechat_sandbox_url:
        for account in container.official_accounts.values():
            yield from _platform(container, account, store_ids, at)


def _rules(container: Container, store_ids: dict[str, int], at: datetime) -> Iterator[str]:
    database, zone = container.database, container.zone
    made = run(database, lambda session: seed_staff(session, store_ids=store_ids, at=at))
    yield f"员工 Staff: {made} new"
    run(database, lambda session: seed_tiers(session, at=at))
    run(database, lambda session: seed_check_in_plan(session, zone=zone, at=at))
    yield "等级与签到方案 Tiers and check-in plan: there"
    run(database, lambda session: seed_earning_rules(session, zone=zone, at=at))
    yield "积分规则 Earning rules: there"
    made = run(database, lambda session: seed_texts(session, at=at))
    yield f"协议文本 Privacy texts: {made} new"


def _channels(container: Container, at: datetime) -> Iterator[str]:
    made = 0
    for appid in container.official_accounts:
        made += run(container.database, partial(seed_replies, appid=appid, at=at))
        run(container.database, partial(seed_menu_draft, appid=appid, at=at))
    yield f"自动回复 Replies: {made} new"
    made = run(container.database, lambda session: seed_templates(session, container, at=at))
    yield f"消息模板 Message templates: {made} new or moved"


def _members(container: Container, store_ids: dict[str, int], count: int, at: datetime) -> Iterator[str]:
    """Enrol page by page and let each page live through its past, so that a broken-off seed goes on where it was."""
    members = demo_members(count=count, zone=container.zone, at=at)
    enrolled = acts = 0
    for first in range(0, count, PAGE):
        ids = _page(container, members[first : first + PAGE], store_ids, at)
        enrolled += len(ids)
        acts += sum(len(member.acts) for member in members if member.openid in ids)
    yield f"会员 Members: {enrolled} new, with {acts} acts of the past"


def _page(container: Container, members: list[DemoMember], store_ids: dict[str, int], at: datetime) -> dict[str, int]:
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
    run(container.database, lambda session: outbox.drop(session, member_ids=ids.values(), recorded_before=at))
    return ids


def _platform(container: Container, account: OfficialAccount, store_ids: dict[str, int], at: datetime) -> Iterator[str]:
    try:
        is_published = publish_demo_menu(container, account, at=at)
        made = seed_scenes(container, account, store_ids=store_ids, at=at)
    except LoyaltyError as error:
        yield f"⚠ 菜单和门店二维码未完成：{error.message} · {account.appid}: {error.code}; seed again to complete"
        return
    yield f"菜单 Menu: {'published' if is_published else 'live'} · 门店二维码 Store QR codes: {made} new"
