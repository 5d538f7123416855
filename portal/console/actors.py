"""Who acted, as pages name them: people, systems and members by their name, programs by what they do."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from flask import url_for

from loyalty.campaigns.queries import titles as campaigns
from loyalty.members import queries as members
from loyalty.partners import queries as partners
from loyalty.staff import queries as staff
from loyalty.staff.rules import Permission
from portal.console.access import may
from portal.console.audit_names import PROGRAM_NAMES

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

_DIGITS_MAX = 18
Names = Callable[["Session", Collection[int]], Mapping[int, str]]


def _member_names(session: "Session", member_ids: Collection[int]) -> Mapping[int, str]:
    return {member_id: f"会员 {number}" for member_id, number in members.numbers(session, member_ids).items()}


def _segment_names(_session: "Session", segment_ids: Collection[int]) -> Mapping[int, str]:
    return {segment_id: f"分群 {segment_id}" for segment_id in segment_ids}


def _campaign_names(session: "Session", campaign_ids: Collection[int]) -> Mapping[int, str]:
    titles = campaigns.titles(session, campaign_ids)
    return {campaign_id: f"活动：{title}" for campaign_id, title in titles.items()}


_NAMES: Mapping[str, Names] = {
    "staff": staff.names,
    "partner": partners.names,
    "member": _member_names,
    "segment": _segment_names,
    "campaign": _campaign_names,
}
_PAGES = {
    "staff": ("console.staff_page", "staff_id", Permission.STAFF_WRITE),
    "partner": ("console.partner_key_page", "partner_key_id", Permission.PARTNERS_WRITE),
    "member": ("console.member_page", "member_id", Permission.MEMBERS_READ),
    "segment": ("console.segment_page", "segment_id", Permission.SEGMENTS_READ),
    "campaign": ("console.campaign_page", "campaign_id", Permission.CAMPAIGNS_READ),
}


def names_of(session: "Session", mentioned: Iterable[str | None]) -> dict[str, str]:
    """Return names of actors such as ``staff:12`` and ``partner:3``; one that is not known, or nobody, has none."""
    ids: dict[str, set[int]] = defaultdict(set)
    for kind, number in map(_parts, filter(None, mentioned)):
        if number is not None:
            ids[kind].add(number)
    found = {
        f"{kind}:{number}": name
        for kind, numbers in ids.items()
        if kind in _NAMES
        for number, name in _NAMES[kind](session, numbers).items()
    }
    return PROGRAM_NAMES | found


def actor_address(actor: str) -> str | None:
    """Return the page of an actor, for those who may open such pages."""
    kind, number = _parts(actor)
    if number is None or kind not in _PAGES:
        return None
    endpoint, argument, permission = _PAGES[kind]
    return url_for(endpoint, **{argument: number}) if may(permission) else None  # type: ignore[arg-type]


def _parts(actor: str) -> tuple[str, int | None]:
    kind, _, number = actor.partition(":")
    return kind, int(number) if number.isascii() and number.isdigit() and len(number) <= _DIGITS_MAX else None
