"""Mistakes that would be made twice, refused by reading the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("loyalty", "portal", "miniprogram_api", "jobs")


def _sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield str(file.relative_to(ROOT)), ast.parse(file.read_text())


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, node.func.attr


def _found(names: set[str], *, except_in: set[str], folders: tuple[str, ...] = OURS) -> list[str]:
    return [
        f"{file}:{call.lineno} {name}"
        for file, tree in _sources(*folders)
        if file not in except_in
        for call, name in _calls(tree)
        if name in names
    ]


def test_only_the_transaction_commits() -> None:
    assert _found({"commit"}, except_in={"loyalty/kernel/transaction.py"}) == []


def test_only_the_clock_reads_the_time_of_day() -> None:
    assert _found({"utcnow", "today"}, except_in=set()) == []
    now = _found({"now"}, except_in={"loyalty/kernel/clock.py"}, folders=("loyalty",))
    assert [place for place in now if not _is_database_now(place)] == []


def _is_database_now(place: str) -> bool:
    file, line = place.split(" ")[0].split(":")
    return "func.now()" in (ROOT / file).read_text().splitlines()[int(line) - 1]


def test_no_savepoints_are_opened() -> None:
    assert _found({"begin_nested"}, except_in=set()) == []


def test_nothing_sleeps_in_the_domain_or_in_a_request() -> None:
    assert _found({"sleep"}, except_in=set(), folders=("loyalty", "portal", "miniprogram_api")) == []


def test_tests_do_not_patch_and_do_not_sleep() -> None:
    patched = [
        f"{file}: {name}"
        for file, tree in _sources("tests")
        for _call, name in _calls(tree)
        if name in {"patch", "sleep"} and not file.startswith("tests/architecture")
    ]
    assert patched == []


def test_every_long_proof_is_among_those_made_in_full_size() -> None:
    sized = [file for file, tree in _sources("tests") if "/test_" in file and _is_sized(tree)]
    chosen = re.compile(r"^pytestmark = pytest\.mark\.(proof|kill)$|^from hypothesis import", re.MULTILINE)

    assert sized
    assert [file for file in sized if not chosen.search((ROOT / file).read_text())] == []


def _is_sized(tree: ast.Module) -> bool:
    """Tell whether a module chooses its size by what ``make prove`` sets."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(
        node.module == "tests.support.proof"
        or (node.module == "tests.support" and "proof" in {one.name for one in node.names})
        for node in imports
    )
