"""The documents say what is there: links lead somewhere, lists are complete, examples work."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
from flask import Flask

from jobs import queues, schedule
from loyalty.staff.rules import PERMISSIONS, ROLE_NAMES, Permission, Role
from tests.support import error_list
from tests.support.engines import ROOT

DOCS = ROOT / "docs"
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "sandbox" / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
GUIDE_ROWS: dict[str, set[Permission]] = {
    "查看分群": {Permission.SEGMENTS_READ},
    "建立分群、生成快照、自动标签": {Permission.SEGMENTS_WRITE},
    "导出分群会员": {Permission.SEGMENTS_EXPORT},
    "查看活动和活动看板": {Permission.CAMPAIGNS_READ},
    "新建、提交、暂停、恢复、结束活动": {Permission.CAMPAIGNS_WRITE},
    "复核活动": {Permission.CAMPAIGNS_APPROVE},
    "撤销活动": {Permission.CAMPAIGNS_UNDO},
    "首页数据": {Permission.DASHBOARD_READ},
    "待复核（各类须两人复核的申请）": {Permission.APPROVALS_DECIDE},
    "查看会员": {Permission.MEMBERS_READ},
    "导出会员（打码）": {Permission.MEMBERS_EXPORT},
    "查看完整手机号": {Permission.MEMBERS_UNMASK},
    "给会员打标签、取下标签": {Permission.MEMBERS_TAG},
    "解冻积分": {Permission.HOLDS_RELEASE},
    "绑定审核": {Permission.BINDINGS_DECIDE},
    "查看门店": {Permission.STORES_READ},
    "新增、修改、停业门店": {Permission.STORES_WRITE},
    "查看员工": {Permission.STAFF_READ},
    "管理员工": {Permission.STAFF_WRITE},
    "操作日志": {Permission.AUDIT_READ},
    "查看公众号菜单、自动回复、场景二维码、消息配置和模板库": {Permission.CHANNELS_READ, Permission.NOTICES_READ},
    "修改公众号菜单、自动回复、场景二维码、消息配置和模板库": {Permission.CHANNELS_WRITE, Permission.NOTICES_WRITE},
    "查看推送任务、推送策略": {Permission.BROADCASTS_READ},
    "暂停、继续、停止推送任务，修改推送策略": {Permission.BROADCASTS_WRITE},
    "查看积分规则": {Permission.EARNING_READ},
    "新建、发布、结束总部积分规则": {Permission.EARNING_WRITE},
    "为自己的门店申请调整积分规则": {Permission.EARNING_OVERRIDE},
    "允许并复核门店调整": {Permission.EARNING_APPROVE},
    "查看券模板、核销记录、券效果、会员的券": {Permission.COUPONS_READ},
    "新建、发布、暂停、停止券模板；调整库存": {Permission.COUPONS_WRITE},
    "人工发券、批量发券、复核他人的发券；生成、下载兑换码": {Permission.COUPONS_ISSUE},
    "作废券和兑换码": {Permission.COUPONS_VOID},
    "撤销核销": {Permission.COUPONS_REVERSE},
    "查看任务": {Permission.MISSIONS_READ},
    "新建、发布、暂停、停止任务": {Permission.MISSIONS_WRITE},
    "查看批量调整": {Permission.ADJUSTMENTS_READ},
    "调整会员积分；上传、提交批量调整": {Permission.ADJUSTMENTS_WRITE},
    "复核、暂停、撤销批量调整": {Permission.ADJUSTMENTS_APPROVE},
    "查看会员等级、签到方案、补签规则": {Permission.TIERS_READ, Permission.CHECK_INS_READ},
    "修改会员等级、签到方案、补签规则；人工定级": {
        Permission.TIERS_WRITE,
        Permission.TIERS_GRANT,
        Permission.CHECK_INS_WRITE,
    },
    "查看定时任务、失败事件": {Permission.JOBS_READ},
    "重试失败事件": {Permission.JOBS_WRITE},
    "查看接入密钥": {Permission.PARTNERS_READ},
    "新增、轮换、停用接入密钥": {Permission.PARTNERS_WRITE},
    "查看邀请活动、邀请记录和漏斗": {Permission.REFERRALS_READ},
    "修改、发布邀请活动": {Permission.REFERRALS_WRITE},
    "关闭、开启分享渠道": {Permission.REFERRALS_SWITCH},
    "查看风控审核、规则、黑名单": {Permission.RISK_READ},
    "放行、撤销、拉黑；修改风控规则": {Permission.RISK_DECIDE, Permission.RISK_WRITE},
    "查看佣金方案和明细": {Permission.COMMISSIONS_READ},
    "修改、发布佣金方案": {Permission.COMMISSIONS_WRITE},
    "查看会员收益、提现、对账差异": {Permission.PAYOUTS_READ},
    "提现设置、税率表；暂停、恢复、撤销、复核打款；处理差异；导出代扣明细": {
        Permission.PAYOUTS_WRITE,
        Permission.PAYOUTS_APPROVE,
        Permission.PAYOUTS_DECLARE,
    },
    "用自己的微信核销优惠券、30 分钟内撤销自己的核销": {Permission.COUPONS_REDEEM},
    "自己的密码和动态口令": {Permission.SELF},
}
"""What each row of the guide's table of roles stands for."""


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _dead_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(_without_code(page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        file = page.parent / unquote(path) if path else page
        if not file.exists() or (anchor and unquote(anchor) not in _anchors(file)):
            yield target


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(_dead_links(page)) == []


def test_the_guide_links_all_its_pages() -> None:
    linked = {unquote(target) for target in LINK.findall((DOCS / "guide" / "README.md").read_text("utf-8"))}

    assert {page.name for page in (DOCS / "guide").glob("*.md")} - {"README.md"} - linked == set()


def test_the_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(page.name[:4]) for page in (DOCS / "adr").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_operations_name_every_scheduled_job_and_its_time() -> None:
    rows = {cells[1].strip(" `"): cells for cells in (line.split("|") for line in OPERATIONS.splitlines()) if cells[1:]}
    for job in schedule.JOBS:
        when = f"{job.daily_at:%H:%M}" if job.daily_at else f"every {job.every_minutes} min"
        assert job.name in rows, f"docs/operations.md does not name {job.name}"
        assert when in "|".join(rows[job.name]), f"docs/operations.md gives another time for {job.name}"
        assert job.queue in "|".join(rows[job.name]), f"docs/operations.md gives another queue for {job.name}"


def test_operations_name_every_queue() -> None:
    assert [name for name in queues.QUEUES if f"`{name}`" not in OPERATIONS] == []


def test_operations_name_every_metric() -> None:
    source = (ROOT / "portal" / "metrics.py").read_text()
    names = set(re.findall(r'"(portal_[a-z_]+)"', source))

    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in OPERATIONS] == []


def test_every_setting_is_explained() -> None:
    settings = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))

    assert settings
    assert [name for name in sorted(settings) if f"`{name}`" not in OPERATIONS + README] == []


def test_the_list_of_errors_is_complete() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]+) \|", error_list.PAGE.read_text(encoding="utf-8"), re.M)
    errors = {(kind.code, error_list.category_of(kind).code, kind.message) for kind in error_list.all_errors()}

    remedy = "write docs/errors.md anew: python -m tests.support.error_list"
    assert set(listed) == errors, remedy


def test_the_examples_of_commands_name_commands_that_there_are(app: Flask) -> None:
    examples = set(re.findall(r"flask --app app ([a-z-]+ [a-z-]+)", OPERATIONS + README))

    assert examples
    assert [one for one in sorted(examples) if not _is_command(app, *one.split())] == []


def _is_command(app: Flask, group: str, command: str) -> bool:
    found = app.cli.commands.get(group)
    return group == "db" or (isinstance(found, click.Group) and command in found.commands)


def test_the_guide_shows_who_may_do_what() -> None:
    page = (DOCS / "guide" / "店员与门店篇.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")
    ]
    table = {cells[0]: cells[1:] for cells in rows if len(cells) == 1 + len(Role)}
    columns = {ROLE_NAMES[role].split("（")[0]: role for role in Role}
    roles = [columns[name] for name in table.pop("页面或操作")]
    shown = {
        (permission, role)
        for name, permissions in GUIDE_ROWS.items()
        for role, mark in zip(roles, table[name], strict=True)
        for permission in permissions
        if mark == "✓"
    }

    assert {name for name in table if name not in GUIDE_ROWS and ":-:" not in table[name]} == set()
    assert set().union(*GUIDE_ROWS.values()) == set(Permission)
    assert shown == {(permission, role) for role in Role for permission in PERMISSIONS[role]}
