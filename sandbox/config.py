"""What the simulated world consists of: accounts, templates, SMS, timings. Read from JSON, checked by name.

Unknown keys are refused, so that a typing error never silently means the default.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sandbox.defaults import DEFAULT_SCENES, DEFAULTS
from sandbox.shapes import ConfigInvalid, build, objects

NOTIFY_RETRY_SECONDS = (
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
)  # fmt: skip
"""After which a callback that was not taken is sent again."""
KEY_NAME = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")


@dataclass(frozen=True, kw_only=True)
class Account:
    """One Official Account (kind ``oa``) or mini program (kind ``mp``)."""

    appid: str
    kind: str
    name: str
    original_id: str
    secret: str
    token: str = ""
    aes_key: str = ""
    push_mode: str = "plain"
    push_url: str = ""
    push_format: str = "xml"
    oauth_domains: tuple[str, ...] = ()
    js_domains: tuple[str, ...] = ()
    linked_mps: tuple[str, ...] = ()
    request_base: str = ""
    pages: tuple[str, ...] = ()
    ip_whitelist: tuple[str, ...] = ()
    is_released: bool = True


@dataclass(frozen=True, kw_only=True)
class Template:
    """A message template (模板) of an account; ``keys`` are read from the content unless given.

    ``choices`` lists the reviewed values of enum and const keys.
    """

    appid: str
    template_id: str
    kind: str
    title: str
    content: str
    keys: tuple[str, ...] = ()
    choices: Mapping[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class LibraryTemplate:
    """An entry of the public template library (类目模板库); ``keywords`` maps a Chinese name to its key."""

    template_id_short: str
    title: str
    keywords: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Sms:
    """The SMS provider; a text holds {1}, {2} … for the parameters."""

    secret: str
    sign: str
    templates: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """The merchant at WeChat Pay; without ``platform_private_key`` the sandbox makes all keys itself.

    ``scenes`` {id: {"infos", "perceptions"}} are those granted, ``per_second`` is the limit of each interface.
    """

    mch_id: str = "1900000001"
    serial_no: str = ""
    merchant_public_key: str = ""
    api_v3_key: str = ""
    platform_private_key: str = ""
    public_key_id: str = ""
    balance_fen: int = 100_000_000
    most_fen: int = 1_000_000
    per_second: int = 100
    cancel_seconds: float = 1
    notify_retry_seconds: tuple[float, ...] = NOTIFY_RETRY_SECONDS
    scenes: Mapping[str, Mapping[str, list[str]]] = field(default_factory=lambda: DEFAULT_SCENES)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The whole configuration."""

    accounts: tuple[Account, ...]
    open_platform: bool
    templates: tuple[Template, ...]
    template_library: tuple[LibraryTemplate, ...]
    sms: Sms
    merchant: Merchant
    push_timeout_seconds: float
    event_delay_seconds: float
    media_check_delay_seconds: float
    content_words: Mapping[str, list[str]]
    quotas: Mapping[str, Mapping[str, int]]


def load(path: Path | None) -> Config:
    """The configuration of a JSON file, or the default world. Raises ConfigInvalid with the reason."""
    if path is None:
        return parse({})
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigInvalid(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigInvalid(f"{path} is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise ConfigInvalid(f"{path} must hold a JSON object")
    return parse(given)


def parse(given: Mapping[str, Any]) -> Config:
    """Checks a configuration; keys left out come from the default world. Raises ConfigInvalid."""
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise ConfigInvalid(f"unknown key: {', '.join(unknown)}")
    merged: dict[str, Any] = {**DEFAULTS, **given}
    accounts = tuple(account(one) for one in objects(merged["accounts"], where="accounts"))
    appids = [one.appid for one in accounts]
    if len(set(appids)) != len(appids):
        raise ConfigInvalid("accounts: an appid appears twice")
    if "templates" not in given:
        merged["templates"] = [one for one in merged["templates"] if one["appid"] in appids]
    merged["accounts"] = accounts
    merged["templates"] = tuple(read_template(one, appids) for one in objects(merged["templates"], where="templates"))
    library = objects(merged["template_library"], where="template_library")
    merged["template_library"] = tuple(build(LibraryTemplate, one, where="template_library") for one in library)
    merged["sms"] = build(Sms, merged["sms"], where="sms")
    merged["merchant"] = _merchant(merged["merchant"])
    return build(Config, merged, where="configuration")


def account(given: Mapping[str, Any]) -> Account:
    """Checks one account. Raises ConfigInvalid with the account and the key."""
    made = build(Account, given, where=f"account {given.get('appid', '?')}")
    for key, allowed in {
        "kind": ("oa", "mp"),
        "push_mode": ("plain", "compatible", "safe"),
        "push_format": ("xml", "json"),
    }.items():
        if getattr(made, key) not in allowed:
            raise ConfigInvalid(f"account {made.appid}: {key} must be one of {', '.join(allowed)}")
    if made.push_mode != "plain" and len(made.aes_key) != 43:
        raise ConfigInvalid(f"account {made.appid}: aes_key must have 43 characters in {made.push_mode} mode")
    if made.push_format == "json" and made.kind != "mp":
        raise ConfigInvalid(f"account {made.appid}: only a mini program may choose push_format json")
    return made


def changed(made: Account, changes: Mapping[str, Any]) -> Account:
    """The account with some settings replaced; appid and kind stay. Raises ConfigInvalid."""
    if {"appid", "kind"} & set(changes):
        raise ConfigInvalid("appid and kind of an account cannot change")
    known = {field.name: getattr(made, field.name) for field in fields(Account)}
    return account({**known, **changes})


def with_account(config: Config, made: Account) -> Config:
    """The configuration with the account of the same appid replaced."""
    return replace(config, accounts=tuple(made if one.appid == made.appid else one for one in config.accounts))


def _merchant(given: Any) -> Merchant:
    made = build(Merchant, given, where="merchant")
    keys = ("serial_no", "merchant_public_key", "api_v3_key", "platform_private_key", "public_key_id")
    empty = [name for name in keys if not getattr(made, name)]
    if empty and len(empty) < len(keys):
        raise ConfigInvalid(f"merchant: {empty[0]} is needed beside the other keys")
    if any(set(scene) != {"infos", "perceptions"} for scene in made.scenes.values()):
        raise ConfigInvalid("merchant: scenes must hold infos and perceptions")
    return made


def read_template(given: Mapping[str, Any], appids: list[str]) -> Template:
    """A template of one of these accounts. Raises ConfigInvalid."""
    named = {"choices": {}, **given}
    named["keys"] = named.get("keys") or KEY_NAME.findall(str(named.get("content", "")))
    made = build(Template, named, where=f"template {given.get('template_id', '?')}")
    if made.appid not in appids:
        raise ConfigInvalid(f"template {made.template_id}: no account {made.appid}")
    if made.kind not in ("template", "subscribe"):
        raise ConfigInvalid(f"template {made.template_id}: kind must be template or subscribe")
    return made
