"""Routing: which way each member of a group takes next, of those that are open and not yet tried.

A way whose channel the platform has closed, or whose share of the day is used up, is passed over for the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Attempt, ChannelClosure
from loyalty.broadcasts.queries.broadcasts import BroadcastView
from loyalty.broadcasts.queries.ways import ways
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.policy import PushPolicy, marketing_quota, next_quota_at
from loyalty.broadcasts.rules.states import AttemptState
from loyalty.channels import queries as channels
from loyalty.channels.rules.templates import FilledTemplate, TemplateChannel
from loyalty.kernel.database import AnyRow
from loyalty.limits import service as limits
from loyalty.notices import rules as notices
from loyalty.notices.rules import NoticeKind


@dataclass(frozen=True, slots=True)
class Way:
    """One way to one member."""

    channel: Channel
    identity_id: int
    appid: str
    openid: str
    message: FilledTemplate | None
    """Of a subscription message."""
    earlier: Attempt | None
    """The attempt on this way that was surely not sent."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a member's message goes next; without a way, nowhere or not before ``opens_at``."""

    way: Way | None
    opens_at: datetime | None
    steps: int
    """Attempts made so far."""


class Router:
    """Knows, for one group, what is open, closed, used up and tried."""

    def __init__(
        self,
        session: Session,
        broadcast: BroadcastView,
        people: Sequence[AnyRow],
        *,
        policy: PushPolicy,
        zone: ZoneInfo,
        at: datetime,
    ) -> None:
        self._session, self._broadcast, self._policy, self._zone, self._at = session, broadcast, policy, zone, at
        self._ways = _ways_of(session, broadcast, [one.member_id for one in people], at)
        self._tried = _tried_by(session, [one.id for one in people])
        self._closures = _closures(session, at)
        self._messages: dict[str, FilledTemplate | None] = {}
        self._room: dict[tuple[str, Channel], int] = {}

    def route(self, *, recipient_id: int, member_id: int, is_capped: bool) -> Route:
        """Return where a member's message goes next; who is capped takes no room of a quota."""
        tried, opens_at = self._tried.get(recipient_id, []), None
        known = {(one.channel, one.identity_id): one for one in tried}
        for row in self._ways.get(member_id, []):
            earlier, channel = known.get((row.channel, row.identity_id)), Channel(row.channel)
            if earlier is not None and earlier.state != AttemptState.AGAIN:
                continue
            message = self._message(row.appid) if channel is Channel.SUBSCRIPTION else None
            if channel is Channel.SUBSCRIPTION and (message is None or message.template_id != row.template_id):
                continue
            reopens_at = self._reopens_at(row.appid, channel)
            if reopens_at is not None:
                opens_at = min(opens_at or reopens_at, reopens_at)
                continue
            if not is_capped:
                self._room[row.appid, channel] -= 1
            return Route(Way(channel, row.identity_id, row.appid, row.openid, message, earlier), None, len(tried))
        return Route(None, opens_at, len(tried))

    def _reopens_at(self, appid: str, channel: Channel) -> datetime | None:
        """Return when a channel of an account lets messages through again; None when it does now."""
        closed_until = self._closures.get((appid, channel))
        if closed_until is not None:
            return closed_until
        if (appid, channel) not in self._room:
            limit = marketing_quota(self._policy, channel, appid=appid, at=self._at)
            self._room[appid, channel] = limit.ceiling - limits.used(self._session, limit=limit)
        return None if self._room[appid, channel] > 0 else next_quota_at(self._at)

    def _message(self, appid: str) -> FilledTemplate | None:
        if appid not in self._messages:
            content = self._broadcast.content
            given = {"title": content.title, "body": content.body, "sent_at": self._at.isoformat()}
            self._messages[appid] = channels.fill_template(
                self._session,
                appid=appid,
                kind=NoticeKind.CAMPAIGN,
                channel=TemplateChannel.SUBSCRIPTION,
                facts=notices.display(NoticeKind.CAMPAIGN, given, zone=self._zone),
            )
        return self._messages[appid]


def _ways_of(
    session: Session, broadcast: BroadcastView, member_ids: Sequence[int], at: datetime
) -> Mapping[int, Sequence[AnyRow]]:
    way = ways(broadcast.channels, at=at).subquery()
    rows = session.execute(select(way).where(way.c.member_id.in_(member_ids)).order_by(way.c.rank, way.c.identity_id))
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.member_id, []).append(row)
    return found


def _tried_by(session: Session, recipient_ids: Sequence[int]) -> Mapping[int, Sequence[Attempt]]:
    rows = select(Attempt).where(Attempt.recipient_id.in_(recipient_ids)).order_by(Attempt.id)
    found: dict[int, list[Attempt]] = {}
    for row in session.scalars(rows.execution_options(populate_existing=True)):
        found.setdefault(row.recipient_id, []).append(row)
    return found


def _closures(session: Session, at: datetime) -> Mapping[tuple[str, str], datetime]:
    rows = session.scalars(select(ChannelClosure).where(ChannelClosure.reopens_at > at))
    return {(row.appid, row.channel): row.reopens_at for row in rows}
