"""Invitations (邀请记录): who invited whom, where each stands, what it paid and why not."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from loyalty.kernel.pagination import Page
from loyalty.members import queries as members
from loyalty.referrals.queries.referrals import ReferralView, RewardView, list_referrals
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralState
from loyalty.risk.queries.rules import current_rules
from loyalty.staff.rules import Permission
from portal.console import exports, forms
from portal.console.access import for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.lists import list_page
from portal.console.personal_exports import export_personal
from portal.console.referral_names import CHANNEL_NAMES, SIDE_NAMES, STATE_COLOURS, STATE_NAMES, reason_names

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("referrer_id", "state", "channel", "reason", "since", "until")
HEADER = ("编号", "邀请人", "好友", "渠道", "状态", "原因", "奖励", "入会时间", "发放时间")


@blueprint.get("/referrals")
@requires(Permission.REFERRALS_READ)
def referral_list() -> str:
    """List invitations, the newest first."""
    for_the_chain()
    return list_page(
        "console/referral_list.html",
        _views(),
        named=_named,
        filters=FILTERS,
        channel_names=CHANNEL_NAMES,
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
        told=_told,
    )


@blueprint.post("/referrals/export")
@requires(Permission.MEMBERS_EXPORT)
def export_referrals() -> Response:
    """Download what the filter shows; who took it is audited."""
    for_the_chain()
    read = exports.as_rows(_views(), _row, named=_named)
    return export_personal("referrals", HEADER, read, action="referrals.export", subject="referrals")


def _views() -> Callable[..., Page[ReferralView]]:
    since, until = forms.day_range("since", "until")
    return partial(
        list_referrals,
        referrer_id=forms.optional_integer("referrer_id"),
        state=forms.optional_choice("state", ReferralState),
        channel=forms.optional_choice("channel", Channel),
        reason=forms.text("reason"),
        since=since,
        until=until,
    )


def _named(session: "Session", views: Sequence[ReferralView]) -> dict[str, dict[Any, str]]:
    concerned = {one for view in views for one in (view.member_id, view.referrer_id)}
    return {
        "numbers": members.numbers(session, concerned),
        "reasons": reason_names(current_rules(session).rules),
    }


def _told(reward: RewardView) -> str:
    return f"{SIDE_NAMES[reward.side]}{reward.outcome}"


def _row(view: ReferralView, *, numbers: dict[int, str], reasons: dict[str, str]) -> exports.Row:
    return (
        view.id,
        numbers.get(view.referrer_id),
        numbers.get(view.member_id),
        CHANNEL_NAMES[view.channel],
        STATE_NAMES[view.state],
        reasons.get(view.reason or "", view.reason),
        "；".join(map(_told, view.rewards)),
        view.came_at,
        view.rewarded_at,
    )
