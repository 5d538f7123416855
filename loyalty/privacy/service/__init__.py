"""Use cases of privacy: one file each, offered here by name."""

from loyalty.privacy.service.closing import ask_to_close, take_back_closing
from loyalty.privacy.service.erasure import erase_due
from loyalty.privacy.service.export import export_data

__all__ = ["ask_to_close", "erase_due", "export_data", "take_back_closing"]
