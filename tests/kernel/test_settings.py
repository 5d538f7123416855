import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from loyalty.settings import Settings, SettingsError
from tests.support.engines import ROOT
from tests.support.pay_sandbox import merchant_environment, merchant_settings
from tests.support.settings import environment, settings


class TestSettings:
    def test_names_everything_that_is_missing_at_once(self) -> None:
        with pytest.raises(SettingsError) as raised:
            Settings.from_environment({})

        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DATA_KEYS", "WECHAT_ACCOUNTS", "PUBLIC_BASE_URL"):
            assert f"{name} is missing" in str(raised.value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DATABASE_URL", "mysql://x"),
            ("DATA_KEYS", "k1:short"),
            ("INDEX_KEY", "c2hvcnQ="),
            ("SECRET_KEY", "short"),
            ("PUBLIC_BASE_URL", "localhost"),
            ("TRUSTED_PROXY_COUNT", "many"),
            ("TIME_ZONE", "Mars/Olympus"),
            ("WECHAT_ACCOUNTS", "[]"),
            ("WECHAT_ACCOUNTS", "{not json"),
            ("WECHAT_ACCOUNTS", '[{"appid": "a"}]'),
            ("DOMAIN_CHECK_FILES", '{"../secret": "x"}'),
            ("SMS_PROVIDER", "pigeon"),
            ("LOG_LEVEL", "LOUD"),
        ],
    )
    def test_names_what_is_wrong(self, name: str, value: str) -> None:
        with pytest.raises(SettingsError, match=name):
            settings(**{name: value})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("WECHAT_SANDBOX_URL", "http://127.0.0.1:8100"),
            ("CLOCK_OFFSET_FILE", "offset"),
            ("SMS_PROVIDER", "none"),
            ("PUBLIC_BASE_URL", "http://members.example.com"),
        ],
    )
    def test_production_refuses_what_belongs_to_a_trial(self, name: str, value: str) -> None:
        production = {
            "PORTAL_ENV": "production",
            "PUBLIC_BASE_URL": "https://members.example.com",
            "SMS_PROVIDER": "tencent",
            "TENCENT_SMS_SECRET_ID": "id",
            "TENCENT_SMS_SECRET_KEY": "key",
            "TENCENT_SMS_APP_ID": "1400000000",
            "TENCENT_SMS_SIGN": "示例连锁",
            "TENCENT_SMS_TEMPLATE_ID": "100",
        }
        assert settings(**production).is_production

        with pytest.raises(SettingsError, match=name):
            settings(**(production | {name: value}))

    def test_never_shows_a_secret_when_printed(self) -> None:
        shown = repr(settings())

        assert "s" * 40 not in shown
        assert "token-of-the" not in shown


def test_the_example_file_names_every_setting_and_nothing_else() -> None:
    source = (ROOT / "loyalty" / "settings.py").read_text()
    read = set(re.findall(r'read\.(?:required|optional|choice)\(\s*"([A-Z_]+)"', source))
    read |= {f"TENCENT_SMS_{name}" for name in ("SECRET_ID", "SECRET_KEY", "APP_ID", "SIGN", "TEMPLATE_ID")}
    read |= set(merchant_environment())
    example = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))

    assert example == read
    assert set(environment()) <= read


class TestMerchant:
    def test_without_any_of_its_settings_there_is_none(self) -> None:
        assert settings().wechatpay is None

    def test_keys_may_be_text_or_files_of_any_usual_form(self, tmp_path: Path) -> None:
        given = merchant_environment()
        assert settings(**given).wechatpay == merchant_settings()
        key = load_pem_private_key(given["WECHATPAY_PRIVATE_KEY"].encode(), password=None)
        file = tmp_path / "apiclient_key.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))

        assert settings(**given | {"WECHATPAY_PRIVATE_KEY": str(file)}).wechatpay == merchant_settings()

    @pytest.mark.parametrize("name", sorted(merchant_environment()))
    def test_one_that_is_missing_is_named(self, name: str) -> None:
        with pytest.raises(SettingsError, match=f"^{name} is missing$"):
            settings(**merchant_environment() | {name: ""})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("WECHATPAY_PRIVATE_KEY", "/nowhere/apiclient_key.pem"),
            ("WECHATPAY_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"),
            ("WECHATPAY_PUBLIC_KEY", merchant_environment()["WECHATPAY_PRIVATE_KEY"]),
            ("WECHATPAY_API_KEY", "too short"),
        ],
    )
    def test_one_that_is_wrong_is_named_and_not_shown(self, name: str, value: str) -> None:
        with pytest.raises(SettingsError, match=f"^{name} is wrong") as raised:
            settings(**merchant_environment() | {name: value})

        assert value not in str(raised.value)

    def test_its_secrets_are_not_shown(self) -> None:
        shown = repr(settings(**merchant_environment()))

        assert merchant_settings().api_v3_key not in shown
        assert "BEGIN PRIVATE KEY" not in shown
