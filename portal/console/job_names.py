"""What scheduled jobs and the figures of their results are called on the page; without a name the code shows."""

JOB_NAMES = {
    "resolve_stale_sending": "处理发送中断的消息",
    "settle_expired_reviews": "处理过期的绑定审核",
    "release_held_notices": "发送夜间暂存的消息",
    "seal_ledger": "积分账本封存",
    "erase_closed_members": "清除已注销会员的个人信息",
    "verify_ledger": "积分账本核验",
    "purge_leftovers": "清理过期数据",
}
FIGURE_NAMES = {
    "deliveries": "消息",
    "reviews": "审核",
    "notices": "消息",
    "seals_made": "封存",
    "seals": "封存",
    "members": "会员",
    "accounts": "账户",
    "entries": "流水",
    "discrepancies": "差异",
    "pushes": "推送",
    "codes_and_sessions": "验证码与登录",
    "runs": "任务记录",
}
