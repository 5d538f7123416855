"""Every refusal has a stable code of its own and a message that people can read."""

import re
from collections import Counter

from loyalty.kernel.errors import LoyaltyError
from tests.support.error_list import all_errors

CATEGORIES = set(LoyaltyError.__subclasses__())


def test_every_error_has_its_own_snake_case_code() -> None:
    errors = all_errors()

    assert [kind for kind in errors if not re.fullmatch(r"[a-z][a-z0-9_]+", kind.code)] == []
    assert [code for code, count in Counter(kind.code for kind in errors).items() if count > 1] == []


def test_every_error_speaks_chinese() -> None:
    assert [kind for kind in all_errors() if not re.search(r"[\u4e00-\u9fff]", kind.message)] == []


def test_every_error_belongs_to_one_category() -> None:
    assert [kind for kind in all_errors() if len(CATEGORIES & set(kind.__mro__)) != 1] == []
