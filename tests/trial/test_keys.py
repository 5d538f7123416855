"""The keys of a trial are made once, kept private, and never silently replaced."""

import json
import re
import stat
from pathlib import Path

import pytest

from trial.errors import TrialError
from trial.keys import MAKERS, load_keys


def test_keys_are_made_once_and_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = load_keys(path)
    assert load_keys(path) == first
    assert set(first) == set(MAKERS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(set(first.values())) == len(first)


def test_two_trials_have_no_key_in_common(tmp_path: Path) -> None:
    first, second = load_keys(tmp_path / "a.json"), load_keys(tmp_path / "b.json")
    assert not set(first.values()) & set(second.values())


def test_a_newer_version_adds_its_keys_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"index_key": "kept"}))
    keys = load_keys(path)
    assert keys["index_key"] == "kept"
    assert set(keys) == set(MAKERS)


def test_wechat_would_accept_its_keys(tmp_path: Path) -> None:
    keys = load_keys(tmp_path / "keys.json")
    for kind in ("oa", "mp"):
        assert re.fullmatch(r"[0-9a-f]{32}", keys[f"{kind}_secret"])
        assert re.fullmatch(r"[A-Za-z0-9]{3,32}", keys[f"{kind}_token"])
        assert re.fullmatch(r"[A-Za-z0-9]{43}", keys[f"{kind}_aes_key"])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"index_key": 5}'])
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(TrialError, match="is damaged"):
        load_keys(path)
    assert path.read_text() == content
