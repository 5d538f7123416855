"""The console (后台): what staff see and do in a browser.

Deny by default: a view without ``requires`` stops the application from starting. Pages read and
act only within the caller's store scope.
"""

from flask import Response
from flask.blueprints import BlueprintSetupState

from loyalty.staff.queries import StaffSessionInvalid
from portal import errors
from portal.console import (
    access,
    adjustment_batches,
    adjustment_lists,
    adjustments,
    audit,
    bindings,
    blocklist,
    check_in_plan,
    commission_plans,
    commissions,
    coupon_codes,
    coupon_issue_jobs,
    coupon_issue_lists,
    coupon_lists,
    coupon_redemptions,
    coupon_report,
    coupon_template_editor,
    coupon_templates,
    dashboard,
    earning_overrides,
    earning_rule_editor,
    earning_rule_outcomes,
    earning_rules,
    events,
    filters,
    layout,
    login,
    make_up_rules,
    member_coupons,
    member_earnings,
    member_evaluations,
    member_orders,
    member_page,
    member_points,
    member_statement,
    member_tags,
    members,
    menus,
    mission_editor,
    missions,
    notices,
    own_account,
    partner_keys,
    payout_batches,
    payout_bills,
    payout_settings,
    payout_tax,
    payouts,
    points_as_money,
    points_expiry,
    referral_list,
    referral_programme,
    referral_report,
    risk_decisions,
    risk_rules,
    runs,
    staff,
    stores,
    tag_lists,
    tags,
    tiers,
    wechat_bindings,
)
from portal.console.blueprint import blueprint

__all__ = [
    "adjustment_batches",
    "adjustment_lists",
    "adjustments",
    "audit",
    "bindings",
    "blocklist",
    "blueprint",
    "check_in_plan",
    "commission_plans",
    "commissions",
    "coupon_codes",
    "coupon_issue_jobs",
    "coupon_issue_lists",
    "coupon_lists",
    "coupon_redemptions",
    "coupon_report",
    "coupon_template_editor",
    "coupon_templates",
    "dashboard",
    "earning_overrides",
    "earning_rule_editor",
    "earning_rule_outcomes",
    "earning_rules",
    "events",
    "login",
    "make_up_rules",
    "member_coupons",
    "member_earnings",
    "member_evaluations",
    "member_orders",
    "member_page",
    "member_points",
    "member_statement",
    "member_tags",
    "members",
    "menus",
    "mission_editor",
    "missions",
    "notices",
    "own_account",
    "partner_keys",
    "payout_batches",
    "payout_bills",
    "payout_settings",
    "payout_tax",
    "payouts",
    "points_as_money",
    "points_expiry",
    "referral_list",
    "referral_programme",
    "referral_report",
    "risk_decisions",
    "risk_rules",
    "runs",
    "staff",
    "stores",
    "tag_lists",
    "tags",
    "tiers",
    "wechat_bindings",
]

errors.install(blueprint, template="console/error.html")
blueprint.register_error_handler(StaffSessionInvalid, access.to_log_in)
blueprint.before_request(access.guard)
blueprint.context_processor(layout.context)


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """Pages hold personal data: no browser and no proxy keeps them."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.record
def finish(state: BlueprintSetupState) -> None:
    """Install the filters, and refuse to start with an unguarded view."""
    filters.install(state.app)
    access.refuse_unguarded_views(state.app)
