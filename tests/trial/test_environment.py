"""Whose settings win, and which embedded part is started for whom."""

import base64
import json
from pathlib import Path

import pytest

from sandbox.config import parse
from trial.environment import plan_trial, sandbox_config
from trial.errors import TrialError
from trial.keys import load_keys, public_pem
from trial.paths import TrialPaths


@pytest.fixture
def paths(tmp_path: Path) -> TrialPaths:
    return TrialPaths(tmp_path)


@pytest.fixture
def keys(paths: TrialPaths) -> dict[str, str]:
    return load_keys(paths.keys)


def test_with_nothing_set_everything_is_embedded(paths: TrialPaths, keys: dict[str, str]) -> None:
    plan = plan_trial({}, keys=keys, paths=paths)
    assert (plan.needs_postgres, plan.needs_valkey, plan.needs_sandbox) == (True, True, True)
    assert plan.values["PORTAL_ENV"] == "trial"
    assert plan.values["PUBLIC_BASE_URL"] == plan.web_url == "http://127.0.0.1:8000"
    assert plan.values["WECHAT_SANDBOX_URL"] == plan.sandbox_url == "http://127.0.0.1:8100"
    assert plan.values["SMS_PROVIDER"] == "sandbox"
    assert plan.values["CLOCK_OFFSET_FILE"] == str(paths.clock_offset)
    key_id, key = plan.values["DATA_KEYS"].split(":")
    assert key_id == "k1"
    for text in (key, plan.values["INDEX_KEY"], plan.values["SEAL_KEY"], plan.values["MEMBER_CODE_KEY"]):
        assert len(base64.b64decode(text, validate=True)) == 32


@pytest.mark.parametrize(
    ("setting", "value", "part"),
    [
        ("DATABASE_URL", "postgresql://db.example/portal", "needs_postgres"),
        ("REDIS_URL", "redis://cache.example/0", "needs_valkey"),
        ("WECHAT_ACCOUNTS", '[{"appid": "wxreal"}]', "needs_sandbox"),
    ],
)
def test_each_setting_replaces_only_its_own_part(
    paths: TrialPaths, keys: dict[str, str], setting: str, value: str, part: str
) -> None:
    plan = plan_trial({setting: value}, keys=keys, paths=paths)
    needs = {name: getattr(plan, name) for name in ("needs_postgres", "needs_valkey", "needs_sandbox")}
    assert needs == {name: name != part for name in needs}
    assert plan.values[setting] == value


def test_real_accounts_mean_no_sandbox_address_and_no_sandbox_sms(paths: TrialPaths, keys: dict[str, str]) -> None:
    plan = plan_trial({"WECHAT_ACCOUNTS": "[]"}, keys=keys, paths=paths)
    assert "WECHAT_SANDBOX_URL" not in plan.values
    assert plan.values["SMS_PROVIDER"] == "none"


def test_a_foreign_sandbox_may_be_named_beside_its_accounts(paths: TrialPaths, keys: dict[str, str]) -> None:
    given = {"WECHAT_ACCOUNTS": "[]", "WECHAT_SANDBOX_URL": "http://127.0.0.1:9999"}
    plan = plan_trial(given, keys=keys, paths=paths)
    assert not plan.needs_sandbox
    assert plan.values["WECHAT_SANDBOX_URL"] == "http://127.0.0.1:9999"


def test_every_value_can_be_overridden_and_an_empty_one_counts_as_not_set(
    paths: TrialPaths, keys: dict[str, str]
) -> None:
    given = {"PROGRAMME_NAME": "别家连锁", "TIME_ZONE": "Asia/Urumqi", "LOG_LEVEL": "", "DATABASE_URL": " "}
    plan = plan_trial(given, keys=keys, paths=paths)
    assert plan.values["PROGRAMME_NAME"] == "别家连锁"
    assert plan.values["TIME_ZONE"] == "Asia/Urumqi"
    assert plan.values["LOG_LEVEL"] == "INFO"
    assert plan.needs_postgres


def test_ports_move_every_address_with_them(paths: TrialPaths, keys: dict[str, str]) -> None:
    plan = plan_trial({"PORT": "8001", "SANDBOX_PORT": "8101"}, keys=keys, paths=paths)
    config = json.dumps(sandbox_config(plan, keys=keys))
    assert plan.values["PUBLIC_BASE_URL"] == "http://127.0.0.1:8001"
    assert plan.values["WECHAT_SANDBOX_URL"] == "http://127.0.0.1:8101"
    assert "http://127.0.0.1:8001/callbacks/wechat/" in config
    assert ":8000" not in config


def test_the_sandbox_is_told_the_very_secrets_that_we_use(paths: TrialPaths, keys: dict[str, str]) -> None:
    plan = plan_trial({"PUBLIC_BASE_URL": "https://shop.example"}, keys=keys, paths=paths)
    config = sandbox_config(plan, keys=keys)
    ours = json.loads(plan.values["WECHAT_ACCOUNTS"])
    theirs = config["accounts"]
    assert isinstance(theirs, list)
    for our, their in zip(ours, theirs, strict=True):
        assert {name: their[name] for name in our} == our
    assert "shop.example" in theirs[0]["oauth_domains"]
    read = parse(config)
    assert read.sms.secret == plan.values["SMS_SANDBOX_SECRET"]
    assert "verification_code" in read.sms.templates


def test_the_sandbox_and_we_hold_the_two_halves_of_the_same_keys(paths: TrialPaths, keys: dict[str, str]) -> None:
    plan = plan_trial({}, keys=keys, paths=paths)
    theirs = parse(sandbox_config(plan, keys=keys)).merchant
    assert plan.values["WECHATPAY_MCH_ID"] == theirs.mch_id
    assert plan.values["WECHATPAY_SERIAL_NO"] == theirs.serial_no
    assert plan.values["WECHATPAY_API_KEY"] == theirs.api_v3_key
    assert plan.values["WECHATPAY_PUBLIC_KEY_ID"] == theirs.public_key_id
    assert theirs.merchant_public_key == public_pem(plan.values["WECHATPAY_PRIVATE_KEY"])
    assert plan.values["WECHATPAY_PUBLIC_KEY"] == public_pem(theirs.platform_private_key)


def test_a_proxy_never_stands_between_our_own_processes(paths: TrialPaths, keys: dict[str, str]) -> None:
    plan = plan_trial({"http_proxy": "http://proxy:3128", "NO_PROXY": "intern.example"}, keys=keys, paths=paths)
    assert plan.values["NO_PROXY"] == plan.values["no_proxy"] == "intern.example,127.0.0.1,localhost"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"PORTAL_ENV": "production"}, "PORTAL_ENV is production"),
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"PORT": "70000"}, "not a port"),
        ({"PORT": "8100"}, "are both 8100"),
        ({"WECHAT_SANDBOX_URL": "http://127.0.0.1:9999"}, "WECHAT_ACCOUNTS is missing"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    paths: TrialPaths, keys: dict[str, str], given: dict[str, str], message: str
) -> None:
    with pytest.raises(TrialError, match=message) as caught:
        plan_trial(given, keys=keys, paths=paths)
    assert "\n" not in str(caught.value)
