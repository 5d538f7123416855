"""What a ``.env`` file may hold."""

from pathlib import Path

import pytest

from trial.dotenv import read_dotenv
from trial.errors import TrialError


def test_a_missing_file_has_no_settings(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("export NAME = value", "value"),
        ("NAME=value # why", "value"),
        ("NAME=va#lue", "va#lue"),
        ("NAME='a # b' # why", "a # b"),
        ('NAME="示例"', "示例"),
        ("NAME=", ""),
        ("NAME=k1:abc=", "k1:abc="),
        ('NAME=\'[{"appid": "wx1"}]\'', '[{"appid": "wx1"}]'),
    ],
)
def test_a_line_is_read_as_one_would_expect(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"# a comment\n\n{line}\n", encoding="utf-8")
    assert read_dotenv(tmp_path / ".env") == {"NAME": value}


@pytest.mark.parametrize("line", ["no setting", "1NAME=x", "NAME='open"])
def test_a_line_that_is_no_setting_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"GOOD=1\n{line}\n")
    with pytest.raises(TrialError, match="line 2"):
        read_dotenv(tmp_path / ".env")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"NAME=\xff\xfe\n")
    with pytest.raises(TrialError, match="cannot be read"):
        read_dotenv(tmp_path / ".env")
