"""The endpoints of the platform, one module a subject; importing a module registers its endpoints."""

import importlib

SUBJECTS = (
    "content", "custom", "jsapi", "links", "menus", "oauth", "phone", "receipts", "retired", "risk", "statements",
    "subscribe", "subscribe_admin", "tags", "template_admin", "template_send", "tokens", "transfers", "users",
    "wxacode", "qrcodes",
)  # fmt: skip


def load_endpoints() -> None:
    """Imports every subject once."""
    for subject in SUBJECTS:
        importlib.import_module(f"sandbox.api.{subject}")
