"""Which pages are looked at, and which routes show none."""

H5_PAGES = {
    "h5.card": "/h5/",
    "h5.check_ins": "/h5/check-ins",
    "h5.points": "/h5/points",
    "h5.inbox": "/h5/inbox",
    "h5.settings": "/h5/settings",
    "h5.phone": "/h5/phone",
    "h5.privacy": "/h5/privacy",
    "h5.closing": "/h5/closing",
    "h5.merge": "/h5/merge",
    "h5.privacy_text": "/h5/texts/service_terms/2026.1",
}
"""What a member sees."""

CONSOLE_PAGES = {
    "console.dashboard": "/console/dashboard",
    "console.member_list": "/console/members",
    "console.member_page": "/console/members/1",
    "console.member_entries": "/console/members/1/entries",
    "console.binding_list": "/console/bindings",
    "console.menu_page": "/console/menus/wx5a0db7a000000001",
    "console.notice_kinds": "/console/notices",
    "console.store_list": "/console/stores",
    "console.new_store": "/console/stores/new",
    "console.store_page": "/console/stores/2",
    "console.staff_list": "/console/staff",
    "console.new_staff": "/console/staff/new",
    "console.staff_page": "/console/staff/2",
    "console.audit_log": "/console/audit",
    "console.job_board": "/console/jobs",
    "console.dead_events": "/console/events",
    "console.password": "/console/password",
    "console.second_factor": "/console/second-factor",
}
"""What the head of headquarters sees."""

NOT_LOOKED_AT = {
    "h5.binding": "looked at as a visitor",
    "h5.login": "leads to WeChat",
    "h5.login_with_profile": "leads to WeChat",
    "h5.returned": "leads to the page asked for",
    "h5.member_code": "a part of the card",
    "h5.js_signature": "JSON",
    "h5.export": "a download",
    "h5.second_proof": "leads to the card when none is owed",
    "console.login": "looked at as a stranger",
    "console.login_code": "leads to the log-in when no code is owed",
    "console.home": "leads to the start page",
    "console.daily_figures": "JSON",
    "console.menu_list": "leads to the menu of the only account",
    "console.export_audit": "a download",
    "console.export_staff": "a download",
    "console.export_stores": "a download",
}
