"""The environment of a trial's processes: what the user set, one by one, and our own values for everything else.

A value from the user's environment wins over ``.env``, both win over ours, and each embedded part is started only when
nothing was set in its place. An empty value counts as not set, so that a copied example file changes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from trial.errors import TrialError
from trial.keys import public_pem
from trial.paths import TrialPaths

OA_APPID = "wx5a0db7a000000001"
MP_APPID = "wx5a0db7b000000001"
MCH_ID = "1900000001"
LOCAL = "127.0.0.1"


@dataclass(frozen=True)
class TrialPlan:
    """What is started for a trial, and with which settings."""

    values: Mapping[str, str]
    port: int
    sandbox_port: int
    needs_postgres: bool
    needs_valkey: bool
    needs_sandbox: bool

    @property
    def web_url(self) -> str:
        """Where the web server of this trial listens."""
        return f"http://{LOCAL}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox of this trial listens."""
        return f"http://{LOCAL}:{self.sandbox_port}"


def plan_trial(chosen: Mapping[str, str], *, keys: Mapping[str, str], paths: TrialPaths) -> TrialPlan:
    """Decide what is started, from what the user chose.

    ``DATABASE_URL`` and ``REDIS_URL`` of the embedded servers are not in it: they are known once these run.

    Raises:
        TrialError: production, a port that is none, or settings that cannot go together.
    """
    given = {name: value for name, value in chosen.items() if value.strip()}
    _refuse_what_cannot_be(given)
    port, sandbox_port = _port(given, "PORT", 8000), _port(given, "SANDBOX_PORT", 8100)
    if port == sandbox_port:
        raise TrialError(f"PORT and SANDBOX_PORT are both {port}; set one of them to another port.")
    needs_sandbox = "WECHAT_ACCOUNTS" not in given
    ours = _settings(keys, paths, port=port)
    if needs_sandbox:
        ours |= _sandbox_settings(keys, f"http://{LOCAL}:{sandbox_port}")
    return TrialPlan(
        values=ours | given | {"NO_PROXY": _no_proxy(given), "no_proxy": _no_proxy(given)},
        port=port,
        sandbox_port=sandbox_port,
        needs_postgres="DATABASE_URL" not in given,
        needs_valkey="REDIS_URL" not in given,
        needs_sandbox=needs_sandbox,
    )


def sandbox_config(plan: TrialPlan, *, keys: Mapping[str, str]) -> dict[str, object]:
    """Tell the sandbox the accounts that our processes believe to have, and where they listen."""
    domains = sorted({LOCAL, "localhost", urlsplit(plan.values["PUBLIC_BASE_URL"]).hostname or LOCAL})
    accounts = [
        account | {"push_url": f"{plan.web_url}/callbacks/wechat/{account['appid']}"} for account in _accounts(keys)
    ]
    official, mini_program = accounts
    official_part = {
        "push_format": "xml",
        "oauth_domains": domains,
        "js_domains": domains,
        "linked_mps": [MP_APPID],
    }
    pages = ["pages/index/index", "pages/card/index", "pages/check-in/index", "pages/points/index"]
    mini_program_part = {"push_format": "json", "request_base": plan.web_url, "pages": pages}
    return {
        "accounts": [official | official_part, mini_program | mini_program_part],
        "sms": {
            "secret": plan.values["SMS_SANDBOX_SECRET"],
            "sign": plan.values["PROGRAMME_NAME"],
            "templates": {"verification_code": "您的验证码为{1}，{2}分钟内有效，请勿告诉他人。"},
        },
        "merchant": {
            "mch_id": MCH_ID,
            "serial_no": keys["merchant_serial_no"],
            "merchant_public_key": public_pem(keys["merchant_private_key"]),
            "api_v3_key": keys["api_v3_key"],
            "platform_private_key": keys["platform_private_key"],
            "public_key_id": keys["platform_public_key_id"],
        },
    }


def _refuse_what_cannot_be(given: Mapping[str, str]) -> None:
    environment = given.get("PORTAL_ENV", "trial")
    if environment != "trial":
        raise TrialError(
            f"PORTAL_ENV is {environment}, but this starts a trial with embedded parts and demo data. "
            "Unset it to try the system; docs/operations.md says how to run it in production."
        )
    if "WECHAT_SANDBOX_URL" in given and "WECHAT_ACCOUNTS" not in given:
        raise TrialError("WECHAT_SANDBOX_URL is set, but WECHAT_ACCOUNTS is missing: set both, or neither.")


def _port(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default)).strip()
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise TrialError(f"{name} is {text!r}, which is not a port from 1 to 65535.")
    return int(text)


def _settings(keys: Mapping[str, str], paths: TrialPaths, *, port: int) -> dict[str, str]:
    return {
        "PORTAL_ENV": "trial",
        "DATABASE_POOLING": "session",
        "PUBLIC_BASE_URL": f"http://{LOCAL}:{port}",
        "TRUSTED_PROXY_COUNT": "0",
        "SECRET_KEY": keys["secret_key"],
        "DATA_KEYS": keys["data_keys"],
        "INDEX_KEY": keys["index_key"],
        "SEAL_KEY": keys["seal_key"],
        "MEMBER_CODE_KEY": keys["member_code_key"],
        "SMS_PROVIDER": "none",
        "CLOCK_OFFSET_FILE": str(paths.clock_offset),
        "TIME_ZONE": "Asia/Shanghai",
        "PROGRAMME_NAME": "示例连锁",
        "LOG_LEVEL": "INFO",
        "METRICS_TOKEN": keys["metrics_token"],
        "PROMETHEUS_MULTIPROC_DIR": str(paths.metrics),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


def _sandbox_settings(keys: Mapping[str, str], url: str) -> dict[str, str]:
    return {
        "WECHAT_ACCOUNTS": json.dumps(_accounts(keys), ensure_ascii=False),
        "WECHAT_SANDBOX_URL": url,
        "SMS_PROVIDER": "sandbox",
        "SMS_SANDBOX_SECRET": keys["sms_sandbox_secret"],
        "WECHATPAY_MCH_ID": MCH_ID,
        "WECHATPAY_SERIAL_NO": keys["merchant_serial_no"],
        "WECHATPAY_PRIVATE_KEY": keys["merchant_private_key"],
        "WECHATPAY_PUBLIC_KEY_ID": keys["platform_public_key_id"],
        "WECHATPAY_PUBLIC_KEY": public_pem(keys["platform_private_key"]),
        "WECHATPAY_API_KEY": keys["api_v3_key"],
    }


def _accounts(keys: Mapping[str, str]) -> list[dict[str, str]]:
    names = {
        "oa": (OA_APPID, "示例连锁服务号", "gh_demo00000001"),
        "mp": (MP_APPID, "示例连锁会员", "gh_demo00000002"),
    }
    return [
        {
            "appid": appid,
            "kind": kind,
            "name": name,
            "original_id": original_id,
            "secret": keys[f"{kind}_secret"],
            "token": keys[f"{kind}_token"],
            "aes_key": keys[f"{kind}_aes_key"],
            "push_mode": "safe",
        }
        for kind, (appid, name, original_id) in names.items()
    ]


def _no_proxy(given: Mapping[str, str]) -> str:
    # The processes talk to each other on this machine; a company proxy must not stand between them.
    hosts = [*(given.get("NO_PROXY") or given.get("no_proxy") or "").split(","), LOCAL, "localhost"]
    return ",".join(dict.fromkeys(host.strip() for host in hosts if host.strip()))
