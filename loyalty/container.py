"""The container: the only place that chooses a vendor.

Built once for a process from its settings; tests build their own with recording stand-ins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from loyalty.coupons.service.sold_out import SoldOut
from loyalty.gateways import redis as redis_gateway
from loyalty.gateways.pay_protocols import WechatPay
from loyalty.gateways.protocols import MiniProgram, OfficialAccount, SmsSender
from loyalty.gateways.redis import Redis
from loyalty.gateways.sms.absent import NoSms
from loyalty.gateways.sms.sandbox import SandboxSms
from loyalty.gateways.sms.tencent import TencentSmsSender
from loyalty.gateways.wechat import MiniProgramGateway, OfficialAccountGateway
from loyalty.gateways.wechatpay import WechatPayGateway
from loyalty.kernel.clock import Clock
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database, connect
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
    redis: Redis
    clock: Clock
    vault: Vault
    official_accounts: Mapping[str, OfficialAccount]
    mini_programs: Mapping[str, MiniProgram]
    sms: SmsSender
    pay: WechatPay | None
    """Absent where no merchant account is configured: nothing can be paid out in money then."""
    sold_out: SoldOut = field(default_factory=SoldOut, init=False)

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


def build(settings: Settings) -> Container:
    """Make the container of a process; nothing is connected to until it is used."""
    redis = redis_gateway.connect(settings.redis_url)
    clock = Clock(settings.clock_offset_file)
    return Container(
        settings=settings,
        database=connect(settings.database_url, pooling=settings.database_pooling),
        redis=redis,
        clock=clock,
        vault=Vault(settings.data_keys, settings.index_key),
        official_accounts={
            account.appid: OfficialAccountGateway(
                account,
                redis=redis,
                sandbox_url=settings.wechat_sandbox_url,
                public_base_url=settings.public_base_url,
                now=clock.now,
            )
            for account in settings.wechat_accounts
            if account.kind == "oa"
        },
        mini_programs={
            account.appid: MiniProgramGateway(account, redis=redis, sandbox_url=settings.wechat_sandbox_url)
            for account in settings.wechat_accounts
            if account.kind == "mp"
        },
        sms=_sms(settings),
        pay=_pay(settings, clock),
    )


def _sms(settings: Settings) -> SmsSender:
    if settings.sms_provider == "tencent" and settings.tencent_sms is not None:
        return TencentSmsSender(settings.tencent_sms)
    if settings.wechat_sandbox_url and settings.sms_sandbox_secret and settings.sms_provider == "sandbox":
        return SandboxSms(sandbox_url=settings.wechat_sandbox_url, secret=settings.sms_sandbox_secret)
    return NoSms()


def _pay(settings: Settings, clock: Clock) -> WechatPay | None:
    if settings.wechatpay is None:
        return None
    return WechatPayGateway(
        settings.wechatpay,
        notify_url=f"{settings.public_base_url}/callbacks/wechatpay",
        sandbox_url=settings.wechat_sandbox_url,
        now=clock.now,
    )
