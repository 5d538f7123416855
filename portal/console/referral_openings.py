"""Opening rewards (打开奖励): what openings alone paid who shared, what waits, what was missed and why."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from loyalty.kernel.pagination import Page
from loyalty.members import queries as members
from loyalty.referrals.queries.opening_rewards import OpeningRewardView, list_opening_rewards
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import RewardState
from loyalty.risk.queries.rules import current_rules
from loyalty.staff.rules import Permission
from portal.console import exports, forms
from portal.console.access import for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.lists import list_page
from portal.console.personal_exports import export_personal
from portal.console.referral_names import CHANNEL_NAMES, REWARD_COLOURS, REWARD_NAMES, reason_names

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("member_id", "state", "channel", "since", "until")
HEADER = ("编号", "分享者", "渠道", "状态", "积分", "会员看到的说明", "风控规则", "打开时间")


@blueprint.get("/referrals/openings")
@requires(Permission.REFERRALS_READ)
def opening_reward_list() -> str:
    """List what openings paid, the newest first."""
    for_the_chain()
    return list_page(
        "console/opening_reward_list.html",
        _views(),
        named=_named,
        filters=FILTERS,
        channel_names=CHANNEL_NAMES,
        state_names=REWARD_NAMES,
        colours=REWARD_COLOURS,
    )


@blueprint.post("/referrals/openings/export")
@requires(Permission.MEMBERS_EXPORT)
def export_opening_rewards() -> Response:
    """Download what the filter shows; who took it is audited."""
    for_the_chain()
    read = exports.as_rows(_views(), _row, named=_named)
    return export_personal("opening-rewards", HEADER, read, action="referrals.export", subject="opening_rewards")


def _views() -> Callable[..., Page[OpeningRewardView]]:
    since, until = forms.day_range("since", "until")
    return partial(
        list_opening_rewards,
        member_id=forms.optional_integer("member_id"),
        state=forms.optional_choice("state", RewardState),
        channel=forms.optional_choice("channel", Channel),
        since=since,
        until=until,
    )


def _named(session: "Session", views: Sequence[OpeningRewardView]) -> dict[str, dict[Any, str]]:
    return {
        "numbers": members.numbers(session, {view.reward.member_id for view in views}),
        "reasons": reason_names(current_rules(session).rules),
    }


def _row(view: OpeningRewardView, *, numbers: dict[int, str], reasons: dict[str, str]) -> exports.Row:
    reward = view.reward
    return (
        view.id,
        numbers.get(reward.member_id),
        CHANNEL_NAMES[view.channel],
        REWARD_NAMES[reward.state],
        reward.points,
        reward.outcome,
        reasons.get(reward.reason or ""),
        view.opened_at,
    )
