"""Settings of the tests: fixed keys, two accounts, no address outside this machine."""

import base64
import json

from loyalty.kernel.crypto import Vault
from loyalty.settings import Settings

DATA_KEY, INDEX_KEY, SEAL_KEY, CODE_KEY = (bytes([number]) * 32 for number in (1, 2, 3, 4))
VAULT = Vault(ring={"k1": DATA_KEY}, index_key=INDEX_KEY)

OA_APPID = "wx5a0db7a000000001"
MP_APPID = "wx5a0db7b000000001"
ACCOUNTS = [
    {
        "appid": OA_APPID,
        "kind": "oa",
        "name": "示例连锁服务号",
        "original_id": "gh_demo00000001",
        "secret": "a" * 32,
        "token": "token-of-the-official-account",
        "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "push_mode": "safe",
    },
    {
        "appid": MP_APPID,
        "kind": "mp",
        "name": "示例连锁会员",
        "original_id": "gh_demo00000002",
        "secret": "b" * 32,
        "token": "token-of-the-mini-program",
        "aes_key": "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba",
        "push_mode": "safe",
    },
]


def environment(**changes: str) -> dict[str, str]:
    """Return a complete environment of a trial, changed as asked."""
    values = {
        "PORTAL_ENV": "trial",
        "DATABASE_URL": "postgresql://nobody@/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PUBLIC_BASE_URL": "http://localhost",
        "SECRET_KEY": "s" * 40,
        "DATA_KEYS": "k1:" + _base64(DATA_KEY),
        "INDEX_KEY": _base64(INDEX_KEY),
        "SEAL_KEY": _base64(SEAL_KEY),
        "MEMBER_CODE_KEY": _base64(CODE_KEY),
        "WECHAT_ACCOUNTS": json.dumps(ACCOUNTS),
        "PROGRAMME_NAME": "示例连锁",
        "LOG_LEVEL": "WARNING",
    }
    return values | changes


def settings(**changes: str) -> Settings:
    """Return the settings read from ``environment``."""
    return Settings.from_environment(environment(**changes))


def _base64(key: bytes) -> str:
    return base64.b64encode(key).decode()
