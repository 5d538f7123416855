"""Killing whoever sends a broadcast at moments all over its work: nobody gets it twice, and nobody is forgotten."""

import random
import re
from collections import Counter

import pytest
from sqlalchemy.orm import Session

from loyalty.broadcasts import service
from loyalty.broadcasts.queries import progress
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.content import MessageContent
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.kernel.transaction import run
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.service import GrantSource, record_grants
from tests.factories.broadcasts import ACTOR
from tests.factories.members import make_identity, make_member
from tests.kill.conftest import Installation
from tests.kill.horses import CALL, Death, Order, Stable
from tests.kill.subscribers import TEMPLATE, map_template
from tests.support.proof import size
from tests.support.settings import MP_APPID

pytestmark = pytest.mark.kill

PEOPLE = size(reduced=3, full=20)
DEATHS = size(reduced=5, full=60)
DEATHS_A_DAY = 15
"""Each follows a broadcast to everybody, and nobody may be sent more than 20 messages a day."""
SENDING = Order(is_broadcasting=True)


def prepare(site: Installation) -> dict[int, int]:
    """Let people come who granted enough; return their members' ids by those at the platform."""
    at = site.now()
    users = [site.person() for _ in range(PEOPLE)]
    for user in users:
        for _ in range(DEATHS + 1):
            site.control(f"/users/{user['id']}/mp/subscribe", {"appid": MP_APPID, "answers": {TEMPLATE: "accept"}})

    def make(session: Session) -> dict[int, int]:
        map_template(session, at=at)
        often = PushPolicy(messages_a_day=20, messages_a_week=100, messages_a_second=1_000)
        service.save_policy(session, policy=often, actor=ACTOR, at=at)
        return {user["id"]: _member_of(session, user["openids"][MP_APPID], site) for user in users}

    return run(site.database, make)


def _member_of(session: Session, openid: str, site: Installation) -> int:
    member = make_member(session)
    mini = make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM, appid=MP_APPID, openid=openid)
    for number in range(DEATHS + 1):
        record_grants(
            session, identity_id=mini.id, answers={TEMPLATE: "accept"}, source=GrantSource.POPUP_EVENT,
            reference=f"push:{number}", at=site.now(),
        )  # fmt: skip
    return member.id


def broadcast(site: Installation, number: int, member_ids: list[int]) -> int:
    at = site.now()

    def make(session: Session) -> int:
        content = MessageContent(f"第{number}期", "会员日双倍积分")
        broadcast_id = service.create(
            session, subject=f"kill:{number}", content=content, channels=[Channel.SUBSCRIPTION], at=at
        )
        service.add_members(session, broadcast_id=broadcast_id, member_ids=member_ids, due_at=at, at=at)
        return broadcast_id

    return run(site.database, make)


def test_a_sender_that_dies_at_any_moment_sends_to_nobody_twice(installation: Installation) -> None:
    site, dice = installation, random.Random(3)
    users = prepare(site)
    stable = Stable(site.environment)
    ids = [broadcast(site, 0, list(users.values()))]
    moments = stable.ride(SENDING).moments
    call = moments.index(CALL)
    assert "COMMIT" in moments[:call], "it calls before it has written that it does"

    for number, moment in enumerate([call, call + 1, *dice.sample(range(len(moments)), DEATHS - 2)], start=1):
        ids.append(broadcast(site, number, list(users.values())))
        assert stable.ride(SENDING, Death(moment)).has_died
        site.value("DELETE FROM leases WHERE name = 'broadcasts' RETURNING name")
        if number % DEATHS_A_DAY == 0:
            finish(site, stable)
            site.advance(86_400)
    finish(site, stable)
    site.advance(180)
    stable.ride(Order(job="carry_on_broadcasts"))
    stable.ride(SENDING)
    stable.close()

    got = {user_id: _titles(site, user_id) for user_id in users}
    assert all(count == 1 for titles in got.values() for count in titles.values()), got
    told = [run(site.database, lambda session, one=one: progress(session, one)) for one in ids]  # type: ignore[misc]
    assert [(one.percent, one.sent) for one in told] == [(100, {Channel.SUBSCRIPTION: PEOPLE})] * len(ids)
    doubtful, messages = sum(one.unknown for one in told), sum(titles.total() for titles in got.values())
    assert PEOPLE * len(ids) - doubtful <= messages <= PEOPLE * len(ids)
    assert doubtful < messages, "hardly anything went as it should"
    assert site.value("SELECT min(balance_after) FROM subscription_grant_entries") >= 0
    used = site.value("SELECT -sum(change) FROM subscription_grant_entries WHERE source = 'delivery'")
    assert used == PEOPLE * len(ids)


def finish(site: Installation, stable: Stable) -> None:
    """Let those who live send the rest; a slice may go by while the lock of a dead one is waited for."""
    site.wait_until_the_dead_have_left()
    while site.value("SELECT count(*) FROM broadcast_recipients WHERE state IN ('waiting', 'ready')"):
        assert not stable.ride(SENDING).has_died


def _titles(site: Installation, user_id: int) -> Counter[str]:
    found = site.control(f"/users/{user_id}/messages", method="GET")
    shown = [re.search(r"第\d+期", str(one["fields"])) for one in found if one["channel"] == "subscribe"]
    return Counter(title[0] for title in shown if title)
