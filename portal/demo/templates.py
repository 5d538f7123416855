"""Message templates of the demo: which template of the sandbox carries which notice."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from loyalty.channels.queries import list_templates
from loyalty.channels.rules import MappingRefused
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.channels.service import save_template
from loyalty.channels.service.templates import TemplateSettings
from loyalty.container import Container
from loyalty.kernel.database import Session
from loyalty.notices.rules import KINDS, NoticeKind
from portal.demo import addresses
from portal.demo.chain import ACTOR

_POINTS = {
    "character_string1": "{member_number}",
    "number2": "{points:unsigned}",
    "thing3": "{reason}",
    "number4": "{balance:unsigned}",
    "time5": "{occurred_at}",
}
_POINTS_IN_SHORT = {
    "thing1": "{reason}",
    "number2": "{points:unsigned}",
    "number3": "{balance:unsigned}",
    "time4": "{occurred_at}",
}
_BOUND = {"character_string1": "{member_number}", "thing2": "{tier}", "time3": "{occurred_at}"}
_CODE = {"character_string1": "{code}", "time2": "{valid_until}"}
_EXPIRING = {
    "number1": "{expiring_points:unsigned}",
    "date2": "{expires_on}",
    "number3": "{balance:unsigned}",
    "thing4": "{details}",
}
_REWARD = {"thing1": "{mission}", "thing2": "{reward}", "time3": "{occurred_at}"}
_COMMISSIONS = {
    "date1": "{approved_on}",
    "number2": "{commissions_count:unsigned}",
    "amount3": "{amount_fen}",
    "amount4": "{available_fen}",
}
_OFFERED = {"amount1": "{net_fen}", "time2": "{confirm_until}", "thing3": "逾期未确认将自动退回"}
_SUCCEEDED = {"amount1": "{net_fen}", "amount2": "{tax_fen}", "time3": "{occurred_at}"}
_RETURNED = {"amount1": "{gross_fen}", "thing2": "{reason}", "time3": "{occurred_at}"}
_CARD, _STATEMENT, _CHECK_INS = "pages/card/index", "pages/points/index", "pages/check-in/index"


@dataclass(frozen=True, slots=True)
class DemoTemplate:
    """One template setting; ``endpoint`` is the page that its message opens in the Official Account."""

    kind: NoticeKind
    settings: TemplateSettings
    endpoint: str | None = None


OFFICIAL_ACCOUNT = (
    DemoTemplate(
        NoticeKind.MEMBER_BOUND,
        TemplateSettings(
            template_id="SandboxTemplateMemberBound0000000000000002", title="会员绑定成功通知", mapping=_BOUND
        ),
        "h5.card",
    ),
    DemoTemplate(
        NoticeKind.POINTS_CHANGED,
        TemplateSettings(
            template_id="SandboxTemplatePointsChanged00000000000001", title="积分变动通知", mapping=_POINTS
        ),
        "h5.points",
    ),
    DemoTemplate(
        NoticeKind.CHECK_IN_RECORDED,
        TemplateSettings(
            template_id="SandboxTemplatePointsChanged00000000000001", title="积分变动通知", mapping=_POINTS
        ),
        "h5.check_ins",
    ),
    DemoTemplate(
        NoticeKind.BINDING_CODE,
        TemplateSettings(template_id="SandboxTemplateBindingCode0000000000000005", title="验证码通知", mapping=_CODE),
    ),
    DemoTemplate(
        NoticeKind.POINTS_EXPIRING,
        TemplateSettings(
            template_id="SandboxTemplatePointsExpiring0000000000006", title="积分到期提醒", mapping=_EXPIRING
        ),
        "h5.points",
    ),
    DemoTemplate(
        NoticeKind.MISSION_REWARDED,
        TemplateSettings(
            template_id="SandboxTemplateReward000000000000000000008", title="奖励到账通知", mapping=_REWARD
        ),
        "h5.missions",
    ),
    DemoTemplate(
        NoticeKind.REFERRAL_REWARDED,
        TemplateSettings(
            template_id="SandboxTemplatePointsChanged00000000000001", title="积分变动通知", mapping=_POINTS
        ),
        "h5.invitations",
    ),
    DemoTemplate(
        NoticeKind.COMMISSIONS_APPROVED,
        TemplateSettings(
            template_id="SandboxTemplateCommission00000000000000009", title="佣金结算通知", mapping=_COMMISSIONS
        ),
        "h5.earnings",
    ),
    DemoTemplate(
        NoticeKind.PAYOUT_OFFERED,
        TemplateSettings(
            template_id="SandboxTemplatePayoutOffered00000000000010", title="待确认收款通知", mapping=_OFFERED
        ),
        "h5.payouts",
    ),
    DemoTemplate(
        NoticeKind.PAYOUT_SUCCEEDED,
        TemplateSettings(
            template_id="SandboxTemplatePayoutDone00000000000000011", title="提现到账通知", mapping=_SUCCEEDED
        ),
        "h5.payouts",
    ),
    DemoTemplate(
        NoticeKind.PAYOUT_RETURNED,
        TemplateSettings(
            template_id="SandboxTemplatePayoutReturned0000000000012", title="提现失败通知", mapping=_RETURNED
        ),
        "h5.payouts",
    ),
)
MINI_PROGRAM = (
    DemoTemplate(
        NoticeKind.MEMBER_BOUND,
        TemplateSettings(
            template_id="SandboxSubscribeMemberBound000000000000004", title="入会成功通知", mapping=_BOUND, page=_CARD
        ),
    ),
    DemoTemplate(
        NoticeKind.POINTS_CHANGED,
        TemplateSettings(
            template_id="SandboxSubscribePointsChanged0000000000003",
            title="积分变动提醒",
            mapping=_POINTS_IN_SHORT,
            page=_STATEMENT,
        ),
    ),
    DemoTemplate(
        NoticeKind.CHECK_IN_RECORDED,
        TemplateSettings(
            template_id="SandboxSubscribePointsChanged0000000000003",
            title="积分变动提醒",
            mapping=_POINTS_IN_SHORT,
            page=_CHECK_INS,
        ),
    ),
    DemoTemplate(
        NoticeKind.POINTS_EXPIRING,
        TemplateSettings(
            template_id="SandboxSubscribePointsExpiring000000000007",
            title="积分到期提醒",
            mapping=_EXPIRING,
            page=_STATEMENT,
        ),
    ),
    DemoTemplate(
        NoticeKind.CAMPAIGN,
        TemplateSettings(
            template_id="SandboxSubscribeCampaign0000000000000000013",
            title="活动通知",
            mapping={"thing1": "{title}", "thing2": "{body}", "time3": "{sent_at}"},
            page=_CARD,
        ),
    ),
)


def seed_templates(session: Session, container: Container, *, at: datetime) -> int:
    """Save the templates of every account that has none; return how many."""
    saved = 0
    for appids, channel, templates in (
        (container.official_accounts, TemplateChannel.TEMPLATE, OFFICIAL_ACCOUNT),
        (container.mini_programs, TemplateChannel.SUBSCRIPTION, MINI_PROGRAM),
    ):
        for appid in appids:
            saved += _seed_account(session, appid, channel, templates, at)
    return saved


def _seed_account(
    session: Session, appid: str, channel: TemplateChannel, templates: tuple[DemoTemplate, ...], at: datetime
) -> int:
    there = {(one.notice_kind, one.channel): one.url for one in list_templates(session, appid=appid)}
    saved = 0
    for template in templates:
        settings = replace(template.settings, url=addresses.page(template.endpoint) if template.endpoint else None)
        if (template.kind, channel) in there and not _has_moved(there[template.kind, channel], settings.url):
            continue
        # One that was changed at the sandbox since is told of in the console, and keeps no trial from starting.
        with suppress(MappingRefused):
            save_template(
                session,
                appid=appid,
                notice_kind=template.kind,
                channel=channel,
                settings=settings,
                facts=KINDS[template.kind].facts,
                actor=ACTOR,
                at=at,
            )
            saved += 1
    return saved


def _has_moved(stored: str | None, wanted: str | None) -> bool:
    """Tell whether an address is ours but for the host or port of an earlier run."""
    if stored is None or wanted is None or stored == wanted:
        return False
    return stored.partition("/h5")[1:] == wanted.partition("/h5")[1:]
