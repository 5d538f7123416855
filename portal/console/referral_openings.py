"""Opening rewards (打开奖励): what openings alone paid who shared, what waits, what was missed and why."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.referrals.queries.opening_rewards import OpeningRewardView, list_opening_rewards
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import RewardState
from loyalty.risk.queries.rules import current_rules
from loyalty.staff.rules import Permission
from portal.console import exports, forms, paging
from portal.console.access import for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.personal_exports import export_personal
from portal.console.referral_names import CHANNEL_NAMES, REWARD_COLOURS, REWARD_NAMES, reason_names
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("member_id", "state", "channel", "since", "until")
HEADER = ("编号", "分享者", "渠道", "状态", "积分", "会员看到的说明", "风控规则", "打开时间")


@blueprint.get("/referrals/openings")
@requires(Permission.REFERRALS_READ)
def opening_reward_list() -> str:
    """List what openings paid, the newest first."""
    for_the_chain()
    cursor, views = paging.cursor(), _views()

    def read(session: "Session") -> dict[str, Any]:
        page = views(session, cursor=cursor)
        return {"page": page, **_named(session, page.items)}

    return render_template(
        "console/opening_reward_list.html",
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in FILTERS},
        channel_names=CHANNEL_NAMES,
        state_names=REWARD_NAMES,
        colours=REWARD_COLOURS,
        **run(container().database, read),
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
