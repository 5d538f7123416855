"""The check before launch (上线前检查): whom a campaign reaches and how, what it costs, and what stands against it.

Beside the editor it is brought up to date while one types; on a page of its own it stands before the button that
submits.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loyalty.broadcasts.rules.channels import NAMES as CHANNEL_NAMES
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.reach import reach_sentence
from loyalty.campaigns.queries.forecast import Forecast, forecast
from loyalty.campaigns.queries.settings import current_settings
from loyalty.campaigns.rules.findings import Finding, Severity
from loyalty.campaigns.rules.terms import Terms
from loyalty.coupons.queries import titles as coupons
from portal.console.campaign_fields import ACTION_LABELS
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

_ACTION = re.compile(r"actions\[(\d+)\](?:\.(\w+))?")
_PLACES = {
    "title": "活动名称",
    "rules_text": "活动规则",
    "trigger": "触发方式",
    "audience": "受众",
    "actions": "动作",
    "holdout_percent": "对照组",
    "ends_at": "结束时间",
    "starts_at": "开始时间",
}


@dataclass(frozen=True, slots=True)
class Check:
    """A forecast, and the words for what stands in it."""

    forecast: Forecast
    reach_says: str
    """By channel and why not the rest; empty for a campaign without a message."""
    quota_left: Mapping[str, int]
    uncosted: Sequence[str]
    """Titles of the coupons whose worth nobody can tell."""
    approval_above_fen: int

    @property
    def warnings(self) -> Sequence[Finding]:
        """What somebody should look at, though it does not stand in the way."""
        return [one for one in self.forecast.findings if one.severity is Severity.WARNING]

    @property
    def needs_approval(self) -> bool:
        """Whether a second person decides."""
        return self.forecast.needs_approval(self.approval_above_fen)


def check_of(session: "Session", terms: Terms, *, campaign_id: int | None = None) -> Check:
    """Return what the check says of terms, saved or not."""
    here = container()
    at = here.clock.now()
    foreseen = forecast(session, terms, at=at, zone=here.zone, vault=here.vault, campaign_id=campaign_id)
    titles = coupons.titles(session, foreseen.uncosted) if foreseen.uncosted else {}
    return Check(
        forecast=foreseen,
        reach_says=reach_sentence(foreseen.reach) if foreseen.reach else "",
        quota_left=_quota(foreseen.reach.quota_left if foreseen.reach else {}),
        uncosted=[titles.get(one, f"券模板 {one}") for one in sorted(foreseen.uncosted)],
        approval_above_fen=current_settings(session).approval_above_fen,
    )


def place_name(where: str) -> str:
    """Return what the place of a finding is called on the form."""
    found = _ACTION.fullmatch(where)
    if found is None:
        return _PLACES.get(where.partition(".")[0].partition("[")[0], where)
    return f"第 {int(found[1]) + 1} 个动作" + (f"的{ACTION_LABELS.get(found[2], '')}" if found[2] else "")


def _quota(left: Mapping[str, int]) -> dict[str, int]:
    """Return what is left of each quota, by the name of the channel and of the account."""
    accounts = {one.appid: one.name for one in container().settings.wechat_accounts}
    named = {}
    for entity, count in left.items():
        channel, _, appid = entity.partition(":")
        named[f"{CHANNEL_NAMES[Channel(channel)]}（{accounts.get(appid, appid)}）"] = count
    return named
