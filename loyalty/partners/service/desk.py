"""The desk (受理台) at which a key's reports are taken."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.kernel.crypto import Vault
from loyalty.partners.rules.keys import PartnerCaller


@dataclass(frozen=True, slots=True)
class Desk:
    """Who reports, and what every report needs: the vault, the programme's zone, the instant."""

    caller: PartnerCaller
    vault: Vault
    zone: ZoneInfo
    at: datetime
