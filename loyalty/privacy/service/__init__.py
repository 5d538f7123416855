"""Use cases of privacy: one file each, offered here by name."""

from loyalty.privacy.service.closing import ask_to_close, take_back_closing
from loyalty.privacy.service.erasure import erase_due
from loyalty.privacy.service.export import export_data
from loyalty.privacy.service.rotation import count_by_key, rotate_keys
from loyalty.privacy.service.unconfirmed import erase_unconfirmed

__all__ = [
    "ask_to_close",
    "count_by_key",
    "erase_due",
    "erase_unconfirmed",
    "export_data",
    "rotate_keys",
    "take_back_closing",
]
