"""Broadcasts (推送任务) for the bench: people of the sandbox who granted messages, and messages that wait for them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import psycopg
import requests
from sqlalchemy.orm import Session

from benchmarks.failures import BenchFailed
from benchmarks.paying import platform_for
from benchmarks.stand import Shop, Stand
from loyalty.broadcasts import queries, service
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.content import MessageContent
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.channels import service as channels
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.container import Container
from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run
from loyalty.notices.rules import KINDS, NoticeKind
from loyalty.notices.service import GrantSource, record_grants
from portal.demo.templates import MINI_PROGRAM
from trial.environment import MP_APPID

PEOPLE, EACH = 100, 4
"""Members, and messages to each in a round; messages cost a grant each, here and at the platform."""
_ACTOR = Actor("system:bench")
_TEMPLATE = next(one.settings for one in MINI_PROGRAM if one.kind is NoticeKind.CAMPAIGN)
_OFTEN = PushPolicy(messages_a_day=20, messages_a_week=100)
_numbers = count(1)


@dataclass(frozen=True)
class Audience:
    """Members whom messages reach at the sandbox."""

    container: Container
    url: str
    user_ids: Sequence[int]

    @property
    def at(self) -> datetime:
        """Noon in Shanghai, so that no quiet hours hold anything, and to the second, so that what is due stays due."""
        return datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0)

    def grant(self) -> None:
        """Let everybody allow as many messages as a round sends, at the platform and in our books."""
        for user_id in [*self.user_ids] * EACH:
            answers = {"appid": MP_APPID, "answers": {_TEMPLATE.template_id: "accept"}}
            requests.post(f"{self.url}/_sim/users/{user_id}/mp/subscribe", json=answers, timeout=20).raise_for_status()
        run(self.container.database, self._record)

    def broadcasts(self) -> Sequence[int]:
        """Make broadcasts to everybody that wait to be sent; nobody was counted for any yet."""
        return run(self.container.database, self._make)

    def require_sent(self, broadcast_ids: Sequence[int]) -> None:
        """See that every message went once.

        Raises:
            BenchFailed: some did not.
        """
        for broadcast_id in broadcast_ids:
            told = run(self.container.database, lambda session, one=broadcast_id: queries.progress(session, one))  # type: ignore[misc]
            if told.sent != {Channel.SUBSCRIPTION: PEOPLE}:
                raise BenchFailed(f"of {PEOPLE} messages went {dict(told.sent)}, because of {dict(told.reasons)}")

    def _record(self, session: Session) -> None:
        for member_id in range(1, PEOPLE + 1):
            for _ in range(EACH):
                record_grants(
                    session, identity_id=member_id, answers={_TEMPLATE.template_id: "accept"},
                    source=GrantSource.POPUP_EVENT, reference=f"push:bench-{next(_numbers)}", at=self.at,
                )  # fmt: skip

    def _make(self, session: Session) -> Sequence[int]:
        made = []
        for _ in range(EACH):
            broadcast_id = service.create(
                session, subject=f"bench:{next(_numbers)}", content=MessageContent("会员日", "今天双倍积分"),
                channels=[Channel.SUBSCRIPTION], at=self.at,
            )  # fmt: skip
            ids = range(1, PEOPLE + 1)
            service.add_members(session, broadcast_id=broadcast_id, member_ids=ids, due_at=self.at, at=self.at)
            made.append(broadcast_id)
        return made


@contextmanager
def audience_for(stand: Stand, shop: Shop) -> Iterator[Audience]:
    """Start a sandbox whose people are the shop's members, with the template of campaigns mapped."""
    with platform_for(stand, shop) as platform:
        users = [requests.post(f"{platform.url}/_sim/users", json={}, timeout=20).json() for _ in range(PEOPLE)]
        with psycopg.connect(shop.conninfo) as connection:
            connection.cursor().executemany(
                "UPDATE identities SET openid = %s WHERE id = %s",
                [(user["openids"][MP_APPID], number) for number, user in enumerate(users, start=1)],
            )
        audience = Audience(platform.container, platform.url, [int(user["id"]) for user in users])
        run(platform.container.database, lambda session: _set_up(session, audience.at))
        yield audience


def _set_up(session: Session, at: datetime) -> None:
    channels.save_template(
        session, appid=MP_APPID, notice_kind=NoticeKind.CAMPAIGN, channel=TemplateChannel.SUBSCRIPTION,
        settings=_TEMPLATE, facts=KINDS[NoticeKind.CAMPAIGN].facts, actor=_ACTOR, at=at,
    )  # fmt: skip
    service.save_policy(session, policy=_OFTEN, actor=_ACTOR, at=at)
