"""Kinds of notices: on or off, over which channels in which order, by which templates."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.channels import queries as channels
from loyalty.kernel.transaction import run
from loyalty.notices import queries
from loyalty.notices.rules import KINDS, Channel, KindSettings, NoticeKind, QuietHours, kind_of
from loyalty.notices.service import quiet_hours
from loyalty.notices.service.kinds import configure_kind
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

CHANNEL_NAMES = {
    Channel.TEMPLATE: "公众号模板消息",
    Channel.SUBSCRIPTION: "小程序订阅消息",
    Channel.INBOX: "站内消息",
}
FACT_NAMES = {
    "occurred_at": "时间",
    "member_number": "会员号",
    "points": "积分",
    "balance": "余额",
    "reason": "原因",
    "code": "验证码",
    "valid_until": "有效期",
    "tier": "会员等级",
    "previous": "原等级",
    "next_tier": "下一等级",
    "growth_lacking": "还差成长值",
    "expiring_points": "到期积分",
    "expires_on": "到期日",
    "coupons_count": "张数",
    "worth": "优惠内容",
    "coupon": "优惠券",
    "details": "明细",
    "mission": "任务",
    "reward": "奖励",
    "commissions_count": "笔数",
    "approved_on": "结算日",
    "amount_fen": "金额",
    "available_fen": "可提现金额",
    "gross_fen": "提现金额",
    "tax_fen": "代扣个税",
    "net_fen": "到账金额",
    "confirm_until": "确认截止时间",
    "title": "标题",
    "body": "正文",
    "sent_at": "发送时间",
}
ORDERS = (
    (Channel.TEMPLATE, Channel.SUBSCRIPTION, Channel.INBOX),
    (Channel.SUBSCRIPTION, Channel.TEMPLATE, Channel.INBOX),
    (Channel.TEMPLATE, Channel.INBOX),
    (Channel.SUBSCRIPTION, Channel.INBOX),
    (Channel.INBOX,),
)


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind with its settings and the accounts that have a template for it."""

    kind: NoticeKind
    title: str
    text: str
    settings: KindSettings
    is_owed: bool
    templates: tuple[str, ...]


@blueprint.get("/notices")
@requires(Permission.NOTICES_READ)
def notice_kinds() -> str:
    """Show every kind of notice."""
    return render_template(
        "console/notice_kinds.html",
        rows=run(container().database, _rows),
        orders=[(",".join(order), " → ".join(CHANNEL_NAMES[one] for one in order)) for order in ORDERS],
        counts=run(container().database, queries.count_notices),
        quiet=run(container().database, queries.quiet_hours),
    )


@blueprint.post("/notices/quiet-hours")
@requires(Permission.NOTICES_WRITE)
def save_quiet_hours() -> Response:
    """Let other quiet hours hold from the next message on."""
    at, hours = container().clock.now(), QuietHours(forms.time_of_day("begins"), forms.time_of_day("ends"))
    return forms.act(
        lambda session: quiet_hours.save_quiet_hours(session, hours=hours, actor=actor(), at=at),
        done="已保存免打扰时段，从下一条消息起生效",
        back=url_for("console.notice_kinds"),
    )


@blueprint.post("/notices/<kind>")
@requires(Permission.NOTICES_WRITE)
def configure_notice_kind(kind: str) -> Response:
    """Change one kind."""
    at, chosen = container().clock.now(), kind_of(kind)
    order, is_enabled = forms.text("channels").split(","), forms.text("is_enabled") == "yes"
    is_own_act = forms.text("is_own_act") == "yes"
    return forms.act(
        lambda session: configure_kind(
            session,
            kind=chosen,
            is_enabled=is_enabled,
            channels=order,
            is_own_act=is_own_act,
            actor=actor(),
            at=at,
        ),
        done=f"已保存：{KINDS[chosen].title}",
        back=url_for("console.notice_kinds"),
    )


def _rows(session: "Session") -> list[KindRow]:
    accounts = {account.appid: account.name for account in container().settings.wechat_accounts}
    templates = channels.list_templates(session)
    settings = queries.all_kind_settings(session)
    return [
        KindRow(
            kind=kind,
            title=definition.title,
            text=definition.text.format_map({fact: f"〔{FACT_NAMES.get(fact, fact)}〕" for fact in definition.facts}),
            settings=settings[kind],
            is_owed=definition.is_owed,
            templates=tuple(
                f"{accounts.get(one.appid, one.appid)}：{one.title}"
                for one in templates
                if one.notice_kind == kind and one.is_enabled
            ),
        )
        for kind, definition in KINDS.items()
    ]
