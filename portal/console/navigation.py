"""The console's menu as data: a page appears for those who may open it."""

from dataclasses import dataclass

from loyalty.staff.rules import Permission
from portal.console.access import may


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in the menu; ``section`` lights it up on the pages below it."""

    label: str
    endpoint: str
    section: str
    permission: Permission


@dataclass(frozen=True, slots=True)
class Group:
    """Some entries under a heading."""

    label: str
    entries: tuple[Entry, ...]


_P = Permission
MENU = (
    Group(
        "概览",
        (
            Entry("首页", "console.dashboard", "dashboard", _P.DASHBOARD_READ),
            Entry("待复核", "console.approval_list", "approvals", _P.APPROVALS_DECIDE),
            Entry("数据看板", "console.board_page", "boards", _P.DASHBOARD_READ),
        ),
    ),
    Group(
        "会员",
        (
            Entry("会员列表", "console.member_list", "members", _P.MEMBERS_READ),
            Entry("标签", "console.tag_list", "tags", _P.MEMBERS_READ),
            Entry("分群", "console.segment_list", "segments", _P.SEGMENTS_READ),
            Entry("绑定审核", "console.binding_list", "bindings", _P.BINDINGS_DECIDE),
        ),
    ),
    Group(
        "积分",
        (
            Entry("积分规则", "console.earning_rule_list", "earning_rules", _P.EARNING_READ),
            Entry("批量调整", "console.adjustment_list", "adjustments", _P.ADJUSTMENTS_READ),
            Entry("积分抵现", "console.points_as_money", "points_as_money", _P.EARNING_READ),
            Entry("积分有效期", "console.points_expiry", "points_expiry", _P.EARNING_READ),
        ),
    ),
    Group(
        "活动",
        (
            Entry("营销活动", "console.campaign_list", "campaigns", _P.CAMPAIGNS_READ),
            Entry("活动设置", "console.campaign_settings", "campaign_settings", _P.CAMPAIGNS_READ),
        ),
    ),
    Group(
        "优惠券",
        (
            Entry("券模板", "console.coupon_template_list", "coupons", _P.COUPONS_READ),
            Entry("批量发券", "console.coupon_issue_list", "coupon_issues", _P.COUPONS_READ),
            Entry("核销记录", "console.coupon_redemption_list", "redemptions", _P.COUPONS_READ),
            Entry("券效果", "console.coupon_report_page", "coupon_report", _P.COUPONS_READ),
        ),
    ),
    Group(
        "提现",
        (
            Entry("提现列表", "console.payout_list", "payouts", _P.PAYOUTS_READ),
            Entry("批量打款", "console.payout_batch_list", "payout_batches", _P.PAYOUTS_READ),
            Entry("对账差异", "console.payout_discrepancy_list", "payout_bills", _P.PAYOUTS_READ),
            Entry("个税代扣", "console.payout_tax", "payout_tax", _P.PAYOUTS_READ),
            Entry("提现设置", "console.payout_settings", "payout_settings", _P.PAYOUTS_READ),
        ),
    ),
    Group(
        "规则",
        (
            Entry("会员等级", "console.tier_page", "tiers", _P.TIERS_READ),
            Entry("签到方案", "console.check_in_plan", "check_in_plan", _P.CHECK_INS_READ),
            Entry("任务", "console.mission_list", "missions", _P.MISSIONS_READ),
        ),
    ),
    Group(
        "邀请",
        (
            Entry("邀请活动", "console.referral_programme", "referral_programme", _P.REFERRALS_READ),
            Entry("邀请记录", "console.referral_list", "referrals", _P.REFERRALS_READ),
            Entry("打开奖励", "console.opening_reward_list", "opening_rewards", _P.REFERRALS_READ),
            Entry("邀请漏斗", "console.referral_report", "referral_report", _P.REFERRALS_READ),
            Entry("佣金方案", "console.commission_plan", "commission_plan", _P.COMMISSIONS_READ),
            Entry("佣金明细", "console.commission_list", "commissions", _P.COMMISSIONS_READ),
        ),
    ),
    Group(
        "风控",
        (
            Entry("风控审核", "console.risk_decision_list", "risk", _P.RISK_READ),
            Entry("风控规则", "console.risk_rule_list", "risk_rules", _P.RISK_READ),
            Entry("黑名单", "console.blocklist", "blocklist", _P.RISK_READ),
        ),
    ),
    Group(
        "触达",
        (
            Entry("公众号菜单", "console.menu_list", "menus", _P.CHANNELS_READ),
            Entry("自动回复", "console.reply_accounts", "replies", _P.CHANNELS_READ),
            Entry("场景二维码", "console.scene_list", "scenes", _P.CHANNELS_READ),
            Entry("扫码统计", "console.scene_report", "scene_report", _P.CHANNELS_READ),
            Entry("推送任务", "console.broadcast_list", "broadcasts", _P.BROADCASTS_READ),
            Entry("推送策略", "console.push_policy", "push_policy", _P.BROADCASTS_READ),
            Entry("消息配置", "console.notice_kinds", "notices", _P.NOTICES_READ),
            Entry("模板库", "console.template_library", "templates", _P.NOTICES_READ),
        ),
    ),
    Group(
        "组织",
        (
            Entry("门店", "console.store_list", "stores", _P.STORES_READ),
            Entry("员工", "console.staff_list", "staff", _P.STAFF_READ),
        ),
    ),
    Group(
        "系统",
        (
            Entry("接入密钥", "console.partner_key_list", "partner_keys", _P.PARTNERS_READ),
            Entry("操作日志", "console.audit_log", "audit", _P.AUDIT_READ),
            Entry("定时任务", "console.job_board", "jobs", _P.JOBS_READ),
            Entry("失败事件", "console.dead_events", "events", _P.JOBS_READ),
        ),
    ),
)


def visible_menu() -> list[Group]:
    """Return the menu with only what the caller may open."""
    groups = [Group(group.label, tuple(entry for entry in group.entries if may(entry.permission))) for group in MENU]
    return [group for group in groups if group.entries]
