"""Roles (角色) of staff, and what each may do, as pure data."""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What somebody is employed to do."""

    HEADQUARTERS_ADMIN = "headquarters_admin"
    MARKETER = "marketer"
    FINANCE = "finance"
    RISK = "risk"
    REGION_MANAGER = "region_manager"
    STORE_MANAGER = "store_manager"
    CLERK = "clerk"
    AUDITOR = "auditor"


ROLE_NAMES = {
    Role.HEADQUARTERS_ADMIN: "总部管理员",
    Role.MARKETER: "运营",
    Role.FINANCE: "财务",
    Role.RISK: "风控",
    Role.REGION_MANAGER: "区域经理",
    Role.STORE_MANAGER: "店长",
    Role.CLERK: "店员",
    Role.AUDITOR: "审计（只读）",
}


class Permission(StrEnum):
    """One thing that a page or a button needs; ``subject.verb``."""

    SELF = "self"
    """One's own account: password, second factor, log-out. Everybody has it."""
    DASHBOARD_READ = "dashboard.read"
    APPROVALS_DECIDE = "approvals.decide"
    """See together what waits for one's approval; deciding asks for the permission of its own kind."""
    MEMBERS_READ = "members.read"
    MEMBERS_EXPORT = "members.export"
    MEMBERS_UNMASK = "members.unmask"
    MEMBERS_TAG = "members.tag"
    """Put tags on members and take them off; with the whole chain in scope also make and change tags."""
    HOLDS_RELEASE = "holds.release"
    """Free points that a till set aside and never settled."""
    BINDINGS_DECIDE = "bindings.decide"
    STORES_READ = "stores.read"
    STORES_WRITE = "stores.write"
    STAFF_READ = "staff.read"
    STAFF_WRITE = "staff.write"
    AUDIT_READ = "audit.read"
    CHANNELS_READ = "channels.read"
    CHANNELS_WRITE = "channels.write"
    NOTICES_READ = "notices.read"
    NOTICES_WRITE = "notices.write"
    BROADCASTS_READ = "broadcasts.read"
    BROADCASTS_WRITE = "broadcasts.write"
    """Pause, resume and stop messages to many, and set how often and how fast they go out."""
    EARNING_READ = "earning.read"
    EARNING_WRITE = "earning.write"
    """Make rules of headquarters, put them in force and end them."""
    EARNING_OVERRIDE = "earning.override"
    """Propose what stores and regions of one's own shall have otherwise."""
    EARNING_APPROVE = "earning.approve"
    """Permit overrides, and put them in force."""
    SEGMENTS_READ = "segments.read"
    """See segments, and count and sample members of one's own stores."""
    SEGMENTS_WRITE = "segments.write"
    """Save and archive segments, take snapshots, keep tags by them."""
    SEGMENTS_EXPORT = "segments.export"
    """Take the members of a snapshot as a file."""
    CAMPAIGNS_READ = "campaigns.read"
    CAMPAIGNS_WRITE = "campaigns.write"
    """Draft campaigns, submit them, pause, resume and end them; put cheap ones in force."""
    CAMPAIGNS_APPROVE = "campaigns.approve"
    """Approve campaigns that others submitted, and change from what cost on they need it."""
    CAMPAIGNS_UNDO = "campaigns.undo"
    """Take back what an ended campaign gave and nobody used."""
    COUPONS_READ = "coupons.read"
    COUPONS_WRITE = "coupons.write"
    """Make templates, put them in force, pause and stop them."""
    COUPONS_ISSUE = "coupons.issue"
    """Give coupons, to one or to many, and make claim codes."""
    COUPONS_VOID = "coupons.void"
    """Take unused coupons and claim codes away."""
    COUPONS_REVERSE = "coupons.reverse"
    """Undo uses at stores of one's own."""
    COUPONS_REDEEM = "coupons.redeem"
    """Take coupons at the till with one's own phone, and undo one's own mistakes."""
    MISSIONS_READ = "missions.read"
    MISSIONS_WRITE = "missions.write"
    """Make missions, put them in force, pause and stop them."""
    REFERRALS_READ = "referrals.read"
    REFERRALS_WRITE = "referrals.write"
    """Draft the referral programme and put it in force."""
    REFERRALS_SWITCH = "referrals.switch"
    """Switch channels of sharing off and on."""
    RISK_READ = "risk.read"
    """See what risk decided and why, its rules and the blocklist."""
    RISK_DECIDE = "risk.decide"
    """Release and reverse what is held or was given, block and unblock."""
    RISK_WRITE = "risk.write"
    """Change the rules of risk."""
    COMMISSIONS_READ = "commissions.read"
    COMMISSIONS_WRITE = "commissions.write"
    """Draft commission plans and put them in force."""
    CHECK_INS_READ = "check_ins.read"
    CHECK_INS_WRITE = "check_ins.write"
    TIERS_READ = "tiers.read"
    TIERS_WRITE = "tiers.write"
    TIERS_GRANT = "tiers.grant"
    """Set a member's level by hand."""
    ADJUSTMENTS_READ = "adjustments.read"
    ADJUSTMENTS_WRITE = "adjustments.write"
    """Give and take points by hand, and prepare batches."""
    ADJUSTMENTS_APPROVE = "adjustments.approve"
    """Approve batches that others prepared, and undo them."""
    PAYOUTS_READ = "payouts.read"
    """See members' earnings and payouts, without names and ID numbers."""
    PAYOUTS_WRITE = "payouts.write"
    """Change limits, scene and tax tables, pause and resume sending, call payouts back, settle differences."""
    PAYOUTS_APPROVE = "payouts.approve"
    """Approve payouts and batches."""
    PAYOUTS_DECLARE = "payouts.declare"
    """Take the withholding export and electronic receipts, with names and ID numbers in clear."""
    JOBS_READ = "jobs.read"
    JOBS_WRITE = "jobs.write"
    PARTNERS_READ = "partners.read"
    PARTNERS_WRITE = "partners.write"


_P = Permission
_READS = frozenset(permission for permission in Permission if permission.value.endswith(".read")) | {_P.SELF}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.HEADQUARTERS_ADMIN: frozenset(Permission),
    Role.MARKETER: frozenset(
        {
            _P.SELF,
            _P.APPROVALS_DECIDE,
            _P.SEGMENTS_READ,
            _P.SEGMENTS_WRITE,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.MEMBERS_TAG,
            _P.STORES_READ,
            _P.CHANNELS_READ,
            _P.CHANNELS_WRITE,
            _P.NOTICES_READ,
            _P.NOTICES_WRITE,
            _P.BROADCASTS_READ,
            _P.BROADCASTS_WRITE,
            _P.CHECK_INS_READ,
            _P.CHECK_INS_WRITE,
            _P.TIERS_READ,
            _P.TIERS_WRITE,
            _P.TIERS_GRANT,
            _P.EARNING_READ,
            _P.EARNING_WRITE,
            _P.EARNING_OVERRIDE,
            _P.COMMISSIONS_READ,
            _P.COMMISSIONS_WRITE,
            _P.CAMPAIGNS_READ,
            _P.CAMPAIGNS_WRITE,
            _P.COUPONS_READ,
            _P.COUPONS_WRITE,
            _P.COUPONS_ISSUE,
            _P.COUPONS_VOID,
            _P.MISSIONS_READ,
            _P.MISSIONS_WRITE,
            _P.REFERRALS_READ,
            _P.REFERRALS_WRITE,
            _P.REFERRALS_SWITCH,
            _P.ADJUSTMENTS_READ,
            _P.ADJUSTMENTS_WRITE,
            _P.JOBS_READ,
        }
    ),
    Role.FINANCE: frozenset(
        {
            _P.SELF,
            _P.APPROVALS_DECIDE,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.HOLDS_RELEASE,
            _P.MEMBERS_EXPORT,
            _P.STORES_READ,
            _P.EARNING_READ,
            _P.COMMISSIONS_READ,
            _P.CAMPAIGNS_READ,
            _P.CAMPAIGNS_APPROVE,
            _P.COUPONS_READ,
            _P.COUPONS_REVERSE,
            _P.MISSIONS_READ,
            _P.REFERRALS_READ,
            _P.ADJUSTMENTS_READ,
            _P.ADJUSTMENTS_WRITE,
            _P.ADJUSTMENTS_APPROVE,
            _P.PAYOUTS_READ,
            _P.PAYOUTS_WRITE,
            _P.PAYOUTS_APPROVE,
            _P.PAYOUTS_DECLARE,
            _P.AUDIT_READ,
            _P.JOBS_READ,
        }
    ),
    Role.RISK: frozenset(
        {
            _P.SELF,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.MEMBERS_UNMASK,
            _P.BINDINGS_DECIDE,
            _P.STORES_READ,
            _P.COMMISSIONS_READ,
            _P.COUPONS_READ,
            _P.COUPONS_VOID,
            _P.REFERRALS_READ,
            _P.REFERRALS_SWITCH,
            _P.RISK_READ,
            _P.RISK_DECIDE,
            _P.RISK_WRITE,
            _P.AUDIT_READ,
        }
    ),
    Role.REGION_MANAGER: frozenset(
        {
            _P.SELF,
            _P.SEGMENTS_READ,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.MEMBERS_TAG,
            _P.HOLDS_RELEASE,
            _P.MEMBERS_EXPORT,
            _P.BINDINGS_DECIDE,
            _P.STORES_READ,
            _P.EARNING_READ,
            _P.EARNING_OVERRIDE,
            _P.CAMPAIGNS_READ,
            _P.COUPONS_READ,
            _P.COUPONS_REVERSE,
            _P.MISSIONS_READ,
        }
    ),
    Role.STORE_MANAGER: frozenset(
        {
            _P.SELF,
            _P.SEGMENTS_READ,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.MEMBERS_TAG,
            _P.HOLDS_RELEASE,
            _P.BINDINGS_DECIDE,
            _P.STORES_READ,
            _P.EARNING_READ,
            _P.EARNING_OVERRIDE,
            _P.CAMPAIGNS_READ,
            _P.COUPONS_READ,
            _P.COUPONS_REVERSE,
            _P.MISSIONS_READ,
            _P.COUPONS_REDEEM,
        }
    ),
    Role.CLERK: frozenset({_P.SELF, _P.COUPONS_REDEEM}),
    Role.AUDITOR: _READS,
}


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return what somebody with these roles may do."""
    granted: frozenset[Permission] = frozenset()
    for role in roles:
        granted |= PERMISSIONS[role]
    return granted
