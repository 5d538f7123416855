"""People at the platform who let us write to them, and what it has written down of it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.channels import service as channels
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.channels.service.templates import TemplateSettings
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.rules import KINDS, NoticeKind
from sandbox import grants, users
from sandbox.clock import CHINA
from sandbox.world import World
from tests.factories.broadcasts import ACTOR
from tests.support.settings import MP_APPID

TEMPLATE = "SandboxSubscribeCampaign0000000000000000013"
_MEMBERS = text(
    "WITH made AS (INSERT INTO members (number, status, enrolled_at, last_active_at)"
    " SELECT 'KM' || n, 'active', :at, :at FROM generate_series(1, :members) n RETURNING id)"
    " INSERT INTO member_tags (member_id, tag_id, tagged_at, tagged_by) SELECT id, :tag_id, :at, 'test' FROM made"
)
_IDENTITIES = text(
    "INSERT INTO identities (appid, openid, kind, member_id, first_seen_at)"
    " SELECT :appid, given.openid, :kind, member.id, :at"
    " FROM unnest(CAST(:openids AS text[])) WITH ORDINALITY AS given (openid, place)"
    " JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM members) AS member USING (place)"
)
_GRANTED = text(
    "WITH entries AS (INSERT INTO subscription_grant_entries"
    " (identity_id, template_id, source, reference, change, balance_after, recorded_at)"
    " SELECT id, :template_id, 'popup_event', 'push:' || n, 1, n, :at"
    " FROM identities, generate_series(1, :times) n RETURNING identity_id)"
    " INSERT INTO subscription_grants (identity_id, template_id, balance)"
    " SELECT identity_id, :template_id, count(*) FROM entries GROUP BY identity_id"
)


def map_template(session: Session, *, at: datetime) -> None:
    """Let messages of campaigns go by the template that the platform has for them."""
    channels.save_template(
        session, appid=MP_APPID, notice_kind=NoticeKind.CAMPAIGN, channel=TemplateChannel.SUBSCRIPTION,
        settings=TemplateSettings(
            template_id=TEMPLATE, title="活动通知",
            mapping={"thing1": "{title}", "thing2": "{body}", "time3": "{sent_at}"},
        ),
        facts=KINDS[NoticeKind.CAMPAIGN].facts, actor=ACTOR, at=at,
    )  # fmt: skip


def grant_at_platform(world: World, *, people: int, times: int) -> list[str]:
    """Let people come who allow so many messages each; return their openids."""
    made = [users.create(world) for _ in range(people)]
    for user in made:
        for _ in range(times):
            grants.answer_prompt(
                world, user_id=user["id"], appid=MP_APPID, answers={TEMPLATE: "accept"}, popup_scene="0"
            )
    return [user["openids"][MP_APPID] for user in made]


def enrol(session: Session, *, members: int, tag_id: int, openids: list[str], times: int, at: datetime) -> None:
    """Make members with a tag, the first of whom are people of the platform, and note what those have granted."""
    session.execute(_MEMBERS, {"members": members, "tag_id": tag_id, "at": at})
    session.execute(_IDENTITIES, {"appid": MP_APPID, "kind": IdentityKind.MINI_PROGRAM, "openids": openids, "at": at})
    session.execute(_GRANTED, {"template_id": TEMPLATE, "times": times, "at": at})
    session.execute(text("ANALYZE"))  # what so many rows at once mean for the planner nobody has told it yet


@dataclass(frozen=True)
class PlatformBook:
    """What the platform has written down: messages by person and by day in China, their hours, grants left."""

    of_person: Counter[int]
    of_day: Counter[str]
    hours: frozenset[int]
    grants_left: int


def platform_book(world: World) -> PlatformBook:
    """Read what arrived at the platform."""
    rows = world.store.rows("SELECT user_id, sent_at FROM messages WHERE channel = 'subscribe'")
    moments = [datetime.fromtimestamp(row["sent_at"], CHINA) for row in rows]
    return PlatformBook(
        of_person=Counter(row["user_id"] for row in rows),
        of_day=Counter(moment.date().isoformat() for moment in moments),
        hours=frozenset(moment.hour for moment in moments),
        grants_left=int(world.store.value("SELECT sum(balance) FROM grants")),
    )
