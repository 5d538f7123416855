"""Texts that people consent to, published at the terminal."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.members.queries import current_text
from loyalty.members.rules.consents import Purpose


def texts(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["texts", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "privacy.txt"
    file.write_text("\ufeff一、我们收集手机号。\n", encoding="utf-8")
    return file


def test_a_text_is_in_force_once_it_is_published(app: Flask, session: Session, file: Path) -> None:
    assert "privacy: 1.0, 隐私政策" in texts(app, "list").stdout

    published = texts(app, "publish", "privacy", "2026-01", str(file))

    assert published.stdout == "privacy 2026-01 is in force: 隐私政策, 10 characters\n"
    assert current_text(session, purpose=Purpose.PRIVACY).body == "一、我们收集手机号。"
    assert "privacy: 2026-01, 隐私政策, 10 characters" in texts(app, "list").stdout
    assert [one.actor for one in audit.list_entries(session, action="members.publish_text")] == ["system:command_line"]


def test_a_version_is_published_once(app: Flask, file: Path) -> None:
    refused = texts(app, "publish", "privacy", "1.0", str(file))

    assert refused.exit_code == 1
    assert "text_version_taken: 该版本号已发布" in refused.stderr


@pytest.mark.parametrize(("content", "reason"), [(b" \n", "a version and a body"), ("协议".encode("gbk"), "UTF-8")])
def test_what_is_no_text_is_refused(app: Flask, file: Path, content: bytes, reason: str) -> None:
    file.write_bytes(content)

    refused = texts(app, "publish", "privacy", "2026-01", str(file), "--title", "隐私政策")

    assert refused.exit_code == 1
    assert reason in refused.stderr
