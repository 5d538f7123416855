import json
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from loyalty.channels import service
from loyalty.gateways.errors import WechatRequestRefused
from loyalty.kernel.audit import Actor
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID

MENU = [{"type": "click", "name": "客服", "key": "KF"}]


def test_publishes_the_draft_of_the_only_account(
    app: Flask, container: NullContainer, session: Session, at: datetime
) -> None:
    service.save_menu_draft(session, appid=OA_APPID, buttons=MENU, actor=Actor("staff:1"), at=at)
    session.commit()

    result = app.test_cli_runner().invoke(args=["menu", "publish"])

    assert result.exit_code == 0, result.output
    assert container.oa.published_menus == [MENU]


@pytest.mark.parametrize("content", [MENU, {"button": MENU}])
def test_publishes_a_file(app: Flask, container: NullContainer, tmp_path: Path, content: object) -> None:
    file = tmp_path / "menu.json"
    file.write_text(json.dumps(content))

    result = app.test_cli_runner().invoke(args=["menu", "publish", "--appid", OA_APPID, "--file", str(file)])

    assert result.exit_code == 0, result.output
    assert container.oa.published_menus == [MENU]


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "不是菜单文件"), ("3", "不是菜单文件"), ("[]", "一级菜单应为 1 至 3 个按钮"), ("[3]", "一级菜单")],
)
def test_a_wrong_file_is_told_in_a_line(app: Flask, tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "menu.json"
    file.write_text(content)

    result = app.test_cli_runner().invoke(args=["menu", "publish", "--file", str(file)])

    assert result.exit_code == 1
    assert told in result.output


def test_an_unknown_account_is_told_in_a_line(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["menu", "publish", "--appid", "wxother"])

    assert (result.exit_code, "未登记" in result.output) == (1, True)


def test_what_wechat_said_is_passed_on(app: Flask, container: NullContainer, session: Session, at: datetime) -> None:
    service.save_menu_draft(session, appid=OA_APPID, buttons=MENU, actor=Actor("staff:1"), at=at)
    session.commit()
    container.oa.publish_error = WechatRequestRefused(reason="菜单链接不正确")

    result = app.test_cli_runner().invoke(args=["menu", "publish"])

    assert (result.exit_code, "菜单链接不正确" in result.output) == (1, True)
