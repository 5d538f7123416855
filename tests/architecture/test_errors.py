"""Every refusal has a stable code of its own and a message that people can read."""

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator

import jobs
import loyalty
import miniprogram_api
import portal
from loyalty.kernel.errors import LoyaltyError

CATEGORIES = set(LoyaltyError.__subclasses__())


def _all_errors() -> list[type[LoyaltyError]]:
    for package in (loyalty, portal, miniprogram_api, jobs):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    return [kind for kind in _descendants(LoyaltyError) if kind.__module__.split(".")[0] != "tests"]


def _descendants(kind: type[LoyaltyError]) -> Iterator[type[LoyaltyError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def test_every_error_has_its_own_snake_case_code() -> None:
    errors = _all_errors()

    assert [kind for kind in errors if not re.fullmatch(r"[a-z][a-z0-9_]+", kind.code)] == []
    assert [code for code, count in Counter(kind.code for kind in errors).items() if count > 1] == []


def test_every_error_speaks_chinese() -> None:
    assert [kind for kind in _all_errors() if not re.search(r"[\u4e00-\u9fff]", kind.message)] == []


def test_every_error_belongs_to_one_category() -> None:
    assert [kind for kind in _all_errors() if len(CATEGORIES & set(kind.__mro__)) != 1] == []
