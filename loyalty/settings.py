"""Settings: read once from the environment, typed, and refused together with all that is wrong.

Nothing else reads the environment. In production nothing embedded, simulated or shifted in time is
accepted: a missing address, secret or account, a sandbox address or a clock offset is named.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loyalty.kernel import pem
from loyalty.kernel.database import Pooling

Environment = Literal["trial", "production"]
AccountKind = Literal["oa", "mp"]
PushMode = Literal["plain", "compatible", "safe"]
SmsProvider = Literal["none", "sandbox", "tencent"]
Value = TypeVar("Value")

_SECRET_LENGTH_MIN = 32
_KEY_BYTES = 32


class SettingsError(Exception):
    """Some settings are missing or wrong; the text names each of them on a line of its own."""


@dataclass(frozen=True, slots=True)
class WechatAccount:
    """One Official Account (服务号) or mini program (小程序) of the brand."""

    appid: str
    kind: AccountKind
    name: str
    original_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    push_mode: PushMode = "safe"


@dataclass(frozen=True, slots=True)
class TencentSms:
    """The account at Tencent Cloud SMS and the template of the code message."""

    secret_id: str
    secret_key: str = field(repr=False)
    app_id: str
    sign: str
    template_id: str


@dataclass(frozen=True, slots=True)
class WechatPayMerchant:
    """The brand's account at WeChat Pay (商户号), in the mode of the WeChat Pay public key (微信支付公钥)."""

    mch_id: str
    serial_no: str
    """Of the merchant API certificate that belongs to ``private_key``."""
    private_key: str = field(repr=False)
    public_key_id: str
    public_key: str
    api_v3_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the processes need to know; see ``.env.example`` for the meaning of each."""

    portal_env: Environment
    database_url: str = field(repr=False)
    database_pooling: Pooling
    redis_url: str = field(repr=False)
    public_base_url: str
    trusted_proxy_count: int
    secret_key: str = field(repr=False)
    data_keys: Mapping[str, bytes] = field(repr=False)
    index_key: bytes = field(repr=False)
    seal_key: bytes = field(repr=False)
    member_code_key: bytes = field(repr=False)
    wechat_accounts: tuple[WechatAccount, ...]
    wechat_sandbox_url: str | None
    sms_provider: SmsProvider
    sms_sandbox_secret: str | None = field(repr=False)
    tencent_sms: TencentSms | None
    wechatpay: WechatPayMerchant | None
    """Absent where nothing is paid out."""
    clock_offset_file: Path | None
    time_zone: ZoneInfo
    programme_name: str
    log_level: str
    domain_check_files: Mapping[str, str]
    metrics_token: str | None = field(repr=False)
    metrics_directory: Path | None
    """Where the web server's processes add up their metrics; the client library reads it too."""

    @property
    def is_production(self) -> bool:
        """Whether real members and real money are behind this process."""
        return self.portal_env == "production"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: with every missing or wrong name, not only the first.
        """
        read = _Reader(environment)
        settings = cls(
            portal_env=read.choice("PORTAL_ENV", ("production", "trial"), default="production"),
            database_url=read.required("DATABASE_URL", _database_url),
            database_pooling=read.choice("DATABASE_POOLING", ("session", "transaction"), default="session"),
            redis_url=read.required("REDIS_URL", str),
            public_base_url=read.required("PUBLIC_BASE_URL", _base_url),
            trusted_proxy_count=read.optional("TRUSTED_PROXY_COUNT", int, 0),
            secret_key=read.required("SECRET_KEY", _secret),
            data_keys=read.required("DATA_KEYS", _key_ring),
            index_key=read.required("INDEX_KEY", _key),
            seal_key=read.required("SEAL_KEY", _key),
            member_code_key=read.required("MEMBER_CODE_KEY", _key),
            wechat_accounts=read.required("WECHAT_ACCOUNTS", _accounts),
            wechat_sandbox_url=read.optional("WECHAT_SANDBOX_URL", _base_url, None),
            sms_provider=read.choice("SMS_PROVIDER", ("none", "sandbox", "tencent"), "none"),
            sms_sandbox_secret=read.optional("SMS_SANDBOX_SECRET", str, None),
            tencent_sms=_tencent_sms(read),
            wechatpay=_wechatpay(read),
            clock_offset_file=read.optional("CLOCK_OFFSET_FILE", Path, None),
            time_zone=read.optional("TIME_ZONE", _zone, ZoneInfo("Asia/Shanghai")),
            programme_name=read.optional("PROGRAMME_NAME", str, "会员中心"),
            log_level=read.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
            domain_check_files=read.optional("DOMAIN_CHECK_FILES", _domain_check_files, {}),
            metrics_token=read.optional("METRICS_TOKEN", str, None),
            metrics_directory=read.optional("PROMETHEUS_MULTIPROC_DIR", Path, None),
        )
        read.problems += _unfit_for_production(settings, read) if not read.problems else []
        if read.problems:
            raise SettingsError("\n".join(read.problems))
        return settings


class _Reader:
    """Reads names one by one and remembers every problem."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def required(self, name: str, parse: Callable[[str], Value]) -> Value:
        text = self.environment.get(name, "").strip()
        if not text:
            self.problems.append(f"{name} is missing")
            return cast(Value, None)
        return self._parsed(name, parse, text, cast(Value, None))

    def optional(self, name: str, parse: Callable[[str], Value], default: Value | None) -> Value:
        text = self.environment.get(name, "").strip()
        return self._parsed(name, parse, text, cast(Value, default)) if text else cast(Value, default)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> Any:
        text = self.environment.get(name, "").strip() or default
        if text not in choices:
            self.problems.append(f"{name} must be one of {', '.join(choices)}, not {text!r}")
        return text

    def _parsed(self, name: str, parse: Callable[[str], Value], text: str, fallback: Value) -> Value:
        try:
            return parse(text)
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            self.problems.append(f"{name} is wrong: {error}")
            return fallback


def _unfit_for_production(settings: Settings, read: _Reader) -> list[str]:
    problems = []
    if settings.sms_provider == "tencent" and settings.tencent_sms is None:
        problems.append("TENCENT_SMS_* are needed when SMS_PROVIDER is tencent")
    if settings.sms_provider == "sandbox" and not (settings.wechat_sandbox_url and settings.sms_sandbox_secret):
        problems.append("WECHAT_SANDBOX_URL and SMS_SANDBOX_SECRET are needed when SMS_PROVIDER is sandbox")
    if not settings.is_production:
        return problems
    if settings.wechat_sandbox_url:
        problems.append("WECHAT_SANDBOX_URL is refused in production")
    if settings.clock_offset_file:
        problems.append("CLOCK_OFFSET_FILE is refused in production")
    if settings.sms_provider != "tencent":
        problems.append("SMS_PROVIDER must be tencent in production")
    if not settings.public_base_url.startswith("https://"):
        problems.append("PUBLIC_BASE_URL must be https in production")
    return problems


def _database_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError("it must be a postgresql:// address")
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("it must be an http(s) address without a query")
    return text.rstrip("/")


def _secret(text: str) -> str:
    if len(text) < _SECRET_LENGTH_MIN:
        raise ValueError(f"it must have at least {_SECRET_LENGTH_MIN} characters")
    return text


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError(f"it must be {_KEY_BYTES} bytes in base64")
    return key


def _key_ring(text: str) -> dict[str, bytes]:
    pairs = (part.split(":", 1) for part in text.split(","))
    return {key_id.strip(): _key(key) for key_id, key in pairs}


def _accounts(text: str) -> tuple[WechatAccount, ...]:
    accounts = tuple(WechatAccount(**row) for row in json.loads(text))
    if len({account.appid for account in accounts}) != len(accounts):
        raise ValueError("an appid stands twice")
    if not accounts:
        raise ValueError("it names no account")
    return accounts


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except ZoneInfoNotFoundError as error:
        raise ValueError(f"no time zone {text!r}") from error


def _domain_check_files(text: str) -> dict[str, str]:
    files = json.loads(text)
    if not isinstance(files, dict):
        raise ValueError("it must be a JSON object of file names and contents")
    for name in files:
        if "/" in name or not name.endswith(".txt"):
            raise ValueError(f"{name!r} is not the name of a .txt file")
    return {str(name): str(content) for name, content in files.items()}


def _api_v3_key(text: str) -> str:
    if len(text.encode()) != _KEY_BYTES:
        raise ValueError(f"it must have {_KEY_BYTES} characters")
    return text


def _wechatpay(read: _Reader) -> WechatPayMerchant | None:
    parsers: dict[str, Callable[[str], str]] = {
        "MCH_ID": str,
        "SERIAL_NO": str,
        "PRIVATE_KEY": pem.private_key,
        "PUBLIC_KEY_ID": str,
        "PUBLIC_KEY": pem.public_key,
        "API_KEY": _api_v3_key,
    }
    names = [f"WECHATPAY_{name}" for name in parsers]
    if not any(read.environment.get(name, "").strip() for name in names):
        return None
    return WechatPayMerchant(*(read.required(*pair) for pair in zip(names, parsers.values(), strict=True)))


def _tencent_sms(read: _Reader) -> TencentSms | None:
    names = ("SECRET_ID", "SECRET_KEY", "APP_ID", "SIGN", "TEMPLATE_ID")
    values = [read.optional(f"TENCENT_SMS_{name}", str, None) for name in names]
    if not any(values):
        return None
    for name, value in zip(names, values, strict=True):
        if not value:
            read.problems.append(f"TENCENT_SMS_{name} is missing")
    return TencentSms(*(value or "" for value in values))
