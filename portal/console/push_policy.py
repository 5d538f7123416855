"""Push policy (推送策略): how often members get marketing, how fast it goes out, what is kept for service notices."""

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.broadcasts import queries, service
from loyalty.broadcasts.rules.errors import InvalidPushPolicy
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.notices import queries as notices
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, require_whole_chain, requires
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

LABELS = {
    "messages_a_day": "每人每天营销消息上限",
    "messages_a_week": "每人每周营销消息上限",
    "service_percent": "为服务通知保留的额度",
    "messages_a_second": "每个账号每秒发送条数",
    "subscription_quota": "小程序订阅消息每日额度",
    "customer_quota": "客服消息每日额度",
}
HINTS = {
    "messages_a_day": "所有活动合计，只计推送到微信的消息，站内消息不计；0 表示不推送",
    "messages_a_week": "周一至周日合计，不少于每天上限",
    "service_percent": "百分比；营销消息用到其余额度为止",
    "messages_a_second": "按微信平台给账号的频率填写",
    "subscription_quota": "按微信平台给账号的额度填写；开通支付的小程序为 3,000 万",
    "customer_quota": "按微信平台给账号的额度填写",
}


@blueprint.get("/push-policy")
@requires(Permission.BROADCASTS_READ)
def push_policy() -> str:
    """Show the policy that holds, and the form for another."""
    policy = run(container().database, queries.current_policy)
    return _page({name: str(getattr(policy, name)) for name in LABELS})


@blueprint.post("/push-policy")
@requires(Permission.BROADCASTS_WRITE)
def save_push_policy() -> Response | tuple[str, int]:
    """Let another policy hold from the next message on."""
    require_whole_chain()
    at = container().clock.now()

    def work(session: "Session") -> None:
        policy = PushPolicy(**{name: forms.integer(name) for name in LABELS})
        service.save_policy(session, policy=policy, actor=actor(), at=at)

    try:
        run(container().database, work)
    except InvalidInput as error:
        flash(_told(error), "danger")
        return _page({name: forms.text(name) for name in LABELS}), status_of(error)
    flash("已保存，从下一条消息起生效", "success")
    return redirect(url_for("console.push_policy"), 303)


def _told(error: InvalidInput) -> str:
    label = LABELS.get(str(error.details.get("field")), "")
    if not isinstance(error, InvalidPushPolicy) or "least" not in error.details:
        return f"{error.message}：{label}"
    return f"{error.message}：{label}须为 {error.details['least']}–{error.details['most']}"


def _page(values: dict[str, str]) -> str:
    require_whole_chain()
    quiet = run(container().database, notices.quiet_hours)
    return render_template("console/push_policy.html", values=values, labels=LABELS, hints=HINTS, quiet=quiet)
