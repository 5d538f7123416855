"""Keys of forms: a page gives its form one, so that the same form sent again is the same act."""

import re
import secrets

from flask import request

_KEY = re.compile(r"[0-9a-z]{24}")


def new_key() -> str:
    """Return a key for a form that is about to be shown."""
    return secrets.token_hex(12)


def sent_key() -> str | None:
    """Return the key that the form carries; None for one that no page of ours gave it."""
    key = request.form.get("key", "")
    return key if _KEY.fullmatch(key) else None
