"""Deny by default: every console route says who may open it, and that is what happens."""

import re

import pytest
from flask import Blueprint, Flask
from werkzeug.routing import Rule

from loyalty.staff import rules
from loyalty.staff.rules import Permission, Role
from portal.console import access
from portal.console.access import Access, UnguardedView, access_of
from portal.console.navigation import MENU
from tests.portal.console.conftest import Browser, LogIn

PUBLIC = {"console.login", "console.log_in"}


def console_rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.")]


def address_of(rule: Rule) -> str:
    return re.sub(r"<(?:int:)?\w+>", "1", rule.rule)


def method_of(rule: Rule) -> str:
    return "POST" if "POST" in (rule.methods or set()) else "GET"


class TestEveryRoute:
    def test_says_who_may_open_it(self, app: Flask) -> None:
        unguarded = {
            rule.endpoint for rule in console_rules(app) if access_of(app.view_functions[rule.endpoint]) is None
        }
        open_to_all = {
            rule.endpoint for rule in console_rules(app) if access_of(app.view_functions[rule.endpoint]) == Access()
        }

        assert unguarded == set()
        assert open_to_all == PUBLIC

    def test_sends_strangers_to_log_in(self, app: Flask, stranger: Browser) -> None:
        for rule in console_rules(app):
            if rule.endpoint in PUBLIC:
                continue
            answer = stranger.client.open(address_of(rule), method=method_of(rule))
            is_refused = answer.status_code in (303, 400)
            assert is_refused, (rule.endpoint, answer.status_code)

    def test_refuses_everybody_without_its_permission(self, app: Flask, log_in: LogIn) -> None:
        browsers = {role: log_in(role) for role in Role}
        tokens = {role: browser._csrf_token() for role, browser in browsers.items()}

        for rule in console_rules(app):
            wanted = access_of(app.view_functions[rule.endpoint])
            if wanted is None or wanted.permission is None:
                continue
            for role, browser in browsers.items():
                if wanted.permission in rules.PERMISSIONS[role]:
                    continue
                answer = browser.client.open(
                    address_of(rule), method=method_of(rule), data={"csrf_token": tokens[role]}
                )
                assert answer.status_code == 403, (rule.endpoint, role)
                assert answer.headers["X-Error-Code"] == "permission_missing"

    def test_changes_nothing_by_get(self, app: Flask) -> None:
        for rule in console_rules(app):
            wanted = access_of(app.view_functions[rule.endpoint])
            permission = wanted.permission if wanted else None
            is_write = permission is not None and permission.value.endswith((".write", ".unmask", ".export"))
            is_form = rule.endpoint in {
                "console.new_store",
                "console.store_page",
                "console.new_staff",
                "console.adjustment_form",
                "console.new_adjustment_batch",
                "console.new_partner_key",
                "console.partner_key_page",
                "console.staff_page",
                "console.new_earning_rule",
                "console.edit_earning_rule",
                "console.new_campaign",
                "console.edit_campaign",
                "console.new_coupon_template",
                "console.edit_coupon_template",
                "console.edit_commission_plan",
                "console.edit_mission",
                "console.new_mission",
                "console.edit_referral_programme",
                "console.new_risk_rule",
                "console.new_reply",
                "console.edit_reply",
                "console.new_scene",
                "console.new_segment",
                "console.edit_segment",
                "console.template_setting",
                "console.edit_risk_rule",
            }
            assert not is_write or is_form or method_of(rule) == "POST", rule.endpoint


class TestAnUnguardedView:
    @pytest.fixture
    def careless_app(self) -> Flask:
        app = Flask(__name__)
        careless = Blueprint("console", __name__)
        careless.add_url_rule("/forgotten", "forgotten", lambda: "secret")
        app.register_blueprint(careless)
        return app

    def test_stops_the_application_from_starting(self, careless_app: Flask) -> None:
        with pytest.raises(UnguardedView, match=r"console\.forgotten"):
            access.refuse_unguarded_views(careless_app)

    def test_is_refused_at_every_request(self, careless_app: Flask) -> None:
        careless_app.before_request(access.guard)
        careless_app.register_error_handler(access.PermissionMissing, lambda error: (error.code, 403))

        assert careless_app.test_client().get("/forgotten").status_code == 403


class TestMenu:
    def test_leads_to_pages_that_ask_for_the_same_permission(self, app: Flask) -> None:
        for group in MENU:
            for entry in group.entries:
                wanted = access_of(app.view_functions[entry.endpoint])
                assert wanted is not None
                assert wanted.permission == entry.permission

    def test_shows_what_the_caller_may_open(self, log_in: LogIn) -> None:
        page = log_in(Role.MARKETER).text("/console/members")

        assert "公众号菜单" in page
        assert "操作日志" not in page
        assert "员工" not in page


class TestEveryPage:
    @pytest.mark.parametrize(
        "path",
        [
            "dashboard",
            "approvals",
            "members",
            "bindings",
            "menus/wx5a0db7a000000001",
            "notices",
            "replies/wx5a0db7a000000001",
            "replies/wx5a0db7a000000001/new",
            "scenes",
            "scenes/new",
            "scene-report",
            "segments",
            "segments/new",
            "templates",
            "templates/setting?appid=wx5a0db7a000000001&kind=points_changed",
            "tiers",
            "check-in-plan",
            "earning-rules",
            "earning-rules/new",
            "campaigns",
            "campaigns/new",
            "campaigns/new?template=members_day",
            "campaign-settings",
            "stores",
            "stores/new",
            "staff",
            "staff/new",
            "audit",
            "jobs",
            "events",
            "password",
            "second-factor",
        ],
    )
    def test_keeps_to_the_page_policy_and_out_of_caches(self, admin: Browser, path: str) -> None:
        response = admin.get(f"/console/{path}")
        page = response.get_data(as_text=True)

        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
        assert len(re.findall(r"<h1", page)) == 1
        for form in re.findall(r'<form[^>]*method="post".*?</form>', page, re.S):
            assert 'name="csrf_token"' in form

    @pytest.mark.parametrize("query", ["cursor=%00", "cursor=abc!", "status=x", "store_id=-1"])
    def test_refuses_filters_that_make_no_sense(self, admin: Browser, query: str) -> None:
        assert admin.get(f"/console/members?{query}").status_code == 422

    @pytest.mark.parametrize("query", ["since=2026-13-01", "since=0001-01-01", "until=9999-12-31"])
    def test_takes_any_date_without_failing(self, admin: Browser, query: str) -> None:
        assert admin.get(f"/console/audit?{query}").status_code in (200, 422)

    def test_needs_no_vendor_files(self, app: Flask, admin: Browser, tmp_path: object) -> None:
        app.static_folder = str(tmp_path)

        page = admin.text("/console/dashboard")

        assert "fallback.css" in page
        assert "echarts" not in page
        assert '<details class="chart-table" open>' in page


def test_permissions_are_all_used(app: Flask) -> None:
    asked = {
        wanted.permission
        for rule in console_rules(app)
        if (wanted := access_of(app.view_functions[rule.endpoint])) is not None
    }

    assert set(Permission) <= asked
