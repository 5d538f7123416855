"""What scheduled jobs and the figures of their results are called on the page; without a name the code shows."""

JOB_NAMES = {
    "resolve_stale_sending": "处理发送中断的消息",
    "release_expired_holds": "释放到期的积分冻结",
    "settle_expired_reviews": "处理过期的绑定审核",
    "carry_on_bulk_work": "继续未完成的批量作业",
    "release_held_notices": "发送夜间暂存的消息",
    "plan_expiry_notices": "积分到期提醒",
    "grant_expiry_graces": "未送达提醒的积分延期",
    "expire_lots": "到期积分清零",
    "release_run_out_locks": "释放到期的优惠券锁定",
    "expire_coupons": "过期优惠券处理",
    "plan_coupon_reminders": "优惠券到期提醒",
    "reward_birthdays": "发放生日礼积分",
    "seal_ledger": "积分账本封存",
    "erase_closed_members": "清除已注销会员的个人信息",
    "erase_unconfirmed_members": "清除未激活的待确认会员",
    "evaluate_tiers": "会员等级考核",
    "verify_ledger": "积分账本核验",
    "purge_leftovers": "清理过期数据",
}
FIGURE_NAMES = {
    "bulk_runs": "批量作业",
    "counters": "过期计数",
    "coupons": "优惠券",
    "locks": "锁定",
    "deliveries": "消息",
    "holds": "冻结",
    "reviews": "审核",
    "notices": "消息",
    "seals_made": "封存",
    "seals": "封存",
    "members": "会员",
    "accounts": "账户",
    "entries": "流水",
    "discrepancies": "差异",
    "partner_traces": "接口调用记录",
    "points": "积分",
    "lots_told": "已提醒批次",
    "lots_graced": "延期批次",
    "tiers_promote": "升级",
    "tiers_begin_grace": "进入保级宽限",
    "tiers_retain": "保级成功",
    "tiers_demote": "降级",
    "tiers_ended_by_hand": "人工定级到期",
    "pushes": "推送",
    "codes_and_sessions": "验证码与登录",
    "runs": "任务记录",
}


def slot_text(slot: str) -> str:
    """Return the planned time that a slot such as ``2026-03-10T08-30`` stands for; a daily job's is its date."""
    day, _, time = slot.partition("T")
    return f"{day} {time.replace('-', ':')}".rstrip()
