import re

import pytest

from loyalty.settings import Settings, SettingsError
from tests.support.engines import ROOT
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
    example = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))

    assert example == read
    assert set(environment()) <= read
