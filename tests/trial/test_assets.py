"""The third-party styles and scripts are built once, and a failure is told in one line."""

import os
import sys
from pathlib import Path

import pytest

from trial.assets import FILES, build_assets
from trial.errors import TrialError

NPM = """#!{python}
import pathlib, sys
assert sys.argv[1:] == ["ci"], sys.argv
with open("calls", "a") as calls:
    calls.write("x")
for source in {sources!r}:
    path = pathlib.Path("node_modules") / source
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("!(function (r) {{ module.exports = 1 }})(window);\\n//# sourceMappingURL=it.map\\n")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "package-lock.json").write_text("{}")
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return tmp_path


def give_npm(project: Path, text: str) -> None:
    npm = project / "bin" / "npm"
    npm.write_text(text)
    os.chmod(npm, 0o755)


def test_the_files_are_built_once_and_again_when_the_lock_changes(project: Path) -> None:
    give_npm(project, NPM.format(python=sys.executable, sources=list(FILES.values())))
    vendor = project / "vendor"
    assert build_assets(project=project, vendor=vendor)
    assert {path.name for path in vendor.iterdir()} >= set(FILES)
    assert not build_assets(project=project, vendor=vendor)
    assert (project / "calls").read_text() == "x"

    (project / "package-lock.json").write_text('{"changed": true}')
    assert build_assets(project=project, vendor=vendor)
    (vendor / "weui.min.css").unlink()
    assert build_assets(project=project, vendor=vendor)
    assert (project / "calls").read_text() == "xxx"


def test_a_page_can_load_the_wechat_script_as_it_is(project: Path) -> None:
    give_npm(project, NPM.format(python=sys.executable, sources=list(FILES.values())))
    build_assets(project=project, vendor=project / "vendor")
    script = (project / "vendor" / "jweixin.js").read_text()
    assert script.startswith("(function (module) {")
    assert "window.jWeixin = window.wx = module.exports" in script
    assert "sourceMappingURL" not in (project / "vendor" / "htmx.min.js").read_text()


def test_a_failure_is_told_in_one_line_and_leaves_no_stamp(project: Path) -> None:
    give_npm(project, "#!/bin/sh\necho 'npm error network timeout' >&2\necho 'npm error more' >&2\nexit 1\n")
    with pytest.raises(TrialError, match=r"could not be fetched: npm error network timeout\.$"):
        build_assets(project=project, vendor=project / "vendor")
    assert not (project / "vendor" / ".stamp").exists()
