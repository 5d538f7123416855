"""What audited actions, programs and subjects are called on the page; one without a name shows its code."""

from loyalty.notices.rules import KINDS
from portal.console.member_names import PURPOSE_NAMES

PROGRAM_NAMES = {
    "system": "系统",
    "cli": "命令行",
    "system:command_line": "命令行",
    "system:demo_seed": "演示数据",
    "system:merge": "系统：会员合并",
    "system:settle_expired_reviews": "系统：绑定审核到期",
    "system:erase_closed_members": "系统：注销清除",
    "system:erase_unconfirmed_members": "系统：待确认会员清除",
}

ACTION_NAMES = {
    "staff.create": "新增员工",
    "staff.update": "修改员工",
    "staff.switch_on": "启用员工",
    "staff.switch_off": "停用员工",
    "staff.reset_password": "重置密码",
    "staff.change_password": "修改自己的密码",
    "staff.log_in": "登录",
    "staff.log_in_refused": "登录失败",
    "staff.log_out": "退出",
    "staff.totp_on": "开启动态口令",
    "staff.totp_off": "关闭动态口令",
    "stores.create": "新增门店",
    "stores.rename": "修改门店",
    "stores.close": "门店停业",
    "stores.reopen": "门店恢复营业",
    "check_ins.save_plan": "修改签到方案",
    "tiers.save_tiers": "修改等级",
    "tiers.save_policy": "修改等级考核",
    "tiers.set_manual_level": "人工定级",
    "tiers.end_manual_level": "结束人工定级",
    "earning.save_draft": "保存积分规则草稿",
    "earning.discard_draft": "删除积分规则草稿",
    "earning.publish": "发布积分规则",
    "earning.end": "结束积分规则",
    "earning.set_override_policy": "修改积分规则的门店权限",
    "channels.menu_save_draft": "保存公众号菜单草稿",
    "channels.menu_publish": "发布公众号菜单",
    "channels.reply_save": "保存自动回复",
    "channels.reply_delete": "删除自动回复",
    "channels.template_save": "保存消息模板",
    "channels.template_delete": "删除消息模板",
    "channels.scene_create": "新建场景码",
    "privacy.export": "导出个人数据",
    "privacy.erase": "清除个人数据",
    "members.detach_phone": "手机号解绑",
    "members.publish_text": "发布协议文本",
    "members.export": "导出会员",
    "members.reveal_phone": "查看完整手机号",
    "points.export_statement": "导出积分明细",
    "points.release_hold": "解冻积分",
    "members.decide_binding": "绑定审核",
    "notices.configure_kind": "修改消息配置",
    "adjustments.adjust": "调整积分",
    "adjustments.upload": "上传批量调整",
    "adjustments.discard": "放弃批量调整",
    "adjustments.pause": "暂停批量调整",
    "adjustments.resume": "继续批量调整",
    "adjustments.undo": "撤销批量调整",
    "approvals.request": "提交复核",
    "approvals.approve": "复核通过",
    "approvals.refuse": "复核拒绝",
    "events.retry": "重试失败事件",
    "jobs.start_again": "再次运行定时任务",
    "checkout.save_policy": "修改积分抵现与退款设置",
    "points.save_expiry_policy": "修改积分默认有效期",
    "partners.create_key": "新增接入密钥",
    "partners.update_key": "修改接入密钥",
    "partners.rotate_key": "轮换接入密钥",
    "partners.end_old_secret": "停用旧密钥",
    "partners.switch_off_key": "停用接入密钥",
    "partners.switch_on_key": "启用接入密钥",
}
SUBJECT_NAMES = {
    "adjustment_batch": "积分批量调整",
    "member": "会员",
    "members": "会员",
    "store": "门店",
    "tiers": "等级",
    "check_ins": "签到方案",
    "check_in_plan": "签到方案",
    "earning_rule": "积分规则",
    "privacy_text": "协议文本",
    "notice_kind": "消息",
    "event": "事件",
    "job": "定时任务",
    "checkout_policy": "积分抵现",
    "points_programme": "积分默认有效期",
    "partner_key": "接入密钥",
    "binding_review": "绑定审核",
}
_PART_NAMES = {
    **{str(purpose): name for purpose, name in PURPOSE_NAMES.items()},
    **{str(kind): definition.title for kind, definition in KINDS.items()},
}


def subject_name(subject: str) -> str:
    """Return what a subject such as ``member:5`` is called."""
    kind, _, part = subject.partition(":")
    if kind not in SUBJECT_NAMES:
        return subject
    return f"{SUBJECT_NAMES[kind]} {_PART_NAMES.get(part, part)}".strip()
