"""A container whose gateways call nobody and whose clock stands where the test put it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.container import Container
from loyalty.gateways import redis as redis_gateway
from loyalty.gateways.null import NullMiniProgram, NullOfficialAccount, NullSmsSender
from loyalty.gateways.null_pay import NullWechatPay
from loyalty.kernel.clock import Clock
from loyalty.kernel.database import Database
from tests.support import settings as test_settings
from tests.support.settings import MP_APPID, OA_APPID, VAULT


class StandingClock(Clock):
    """A clock that moves only when told to."""

    def __init__(self, at: datetime) -> None:
        super().__init__(None)
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, **parts: float) -> None:
        """Move on, as ``timedelta`` counts."""
        self.at += timedelta(**parts)


@dataclass(frozen=True)
class NullContainer(Container):
    """The container of door tests, with its stand-ins at hand by their own types."""

    @property
    def oa(self) -> NullOfficialAccount:
        """The Official Account's stand-in."""
        account = self.official_accounts[OA_APPID]
        assert isinstance(account, NullOfficialAccount)
        return account

    @property
    def mp(self) -> NullMiniProgram:
        """The mini program's stand-in."""
        account = self.mini_programs[MP_APPID]
        assert isinstance(account, NullMiniProgram)
        return account

    @property
    def wechat_pay(self) -> NullWechatPay:
        """WeChat Pay's stand-in."""
        assert isinstance(self.pay, NullWechatPay)
        return self.pay


def null_container(database: Database, *, redis_url: str, at: datetime, **changes: str) -> NullContainer:
    """Make a container on a database, its clock standing at an instant."""
    settings = test_settings.settings(REDIS_URL=redis_url, **changes)
    return NullContainer(
        settings=settings,
        database=database,
        redis=redis_gateway.connect(redis_url),
        clock=StandingClock(at),
        vault=VAULT,
        official_accounts={OA_APPID: NullOfficialAccount(appid=OA_APPID)},
        mini_programs={MP_APPID: NullMiniProgram(appid=MP_APPID)},
        sms=NullSmsSender(),
        pay=NullWechatPay(),
    )
