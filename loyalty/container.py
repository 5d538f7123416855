"""The container: the only place that chooses a vendor.

Built once for a process from its settings; tests build their own with recording stand-ins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from redis import Redis

from loyalty.gateways.protocols import MiniProgram, OfficialAccount, SmsSender
from loyalty.kernel.clock import Clock
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.errors import NotFound
from loyalty.settings import Settings


class UnknownAccount(NotFound):
    """The appid is not one of ours."""

    code = "unknown_account"
    message = "公众号或小程序未登记"


@dataclass(frozen=True)
class Container:
    """Everything that a use case needs and that is made once."""

    settings: Settings
    database: Database
    redis: "Redis[bytes]"
    clock: Clock
    vault: Vault
    official_accounts: Mapping[str, OfficialAccount]
    mini_programs: Mapping[str, MiniProgram]
    sms: SmsSender

    @property
    def zone(self) -> ZoneInfo:
        """The programme's time zone, which decides every business date."""
        return self.settings.time_zone

    def official_account(self, appid: str) -> OfficialAccount:
        """Return one of our Official Accounts.

        Raises:
            UnknownAccount: no such account.
        """
        try:
            return self.official_accounts[appid]
        except KeyError as error:
            raise UnknownAccount(appid=appid) from error

    def mini_program(self, appid: str) -> MiniProgram:
        """Return one of our mini programs.

        Raises:
            UnknownAccount: no such account.
        """
        try:
            return self.mini_programs[appid]
        except KeyError as error:
            raise UnknownAccount(appid=appid) from error
