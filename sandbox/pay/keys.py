"""The keys of merchant and platform: those of the configuration, or made when first asked for and kept in the state.

Public-key mode (微信支付公钥) only; there is no platform certificate.
"""

import json

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sandbox.config import Merchant
from sandbox.pay.desk import Keys
from sandbox.world import World

BITS, EXPONENT = 2048, 65537
KEPT_AS = "pay keys"


def keys_of(world: World) -> Keys:
    """The keys of this world."""
    with world.store.transaction():
        if world.pay.keys is None:
            given = world.config.merchant
            world.pay.keys = _configured(given) if given.platform_private_key else _kept(world)
        return world.pay.keys


def public_pem(key: rsa.RSAPublicKey) -> str:
    """A public key as the merchant's console offers it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _configured(given: Merchant) -> Keys:
    return Keys(
        serial_no=given.serial_no,
        api_v3_key=given.api_v3_key,
        merchant_public_key=_public(given.merchant_public_key),
        merchant_private_key=None,
        platform_key=_private(given.platform_private_key),
        public_key_id=given.public_key_id,
    )


def _kept(world: World) -> Keys:
    text = world.store.value("SELECT value FROM meta WHERE name = ?", KEPT_AS)
    if text is None:
        made = {
            "serial_no": world.random.hex(40).upper(),
            "api_v3_key": world.random.text(32),
            "merchant_private_key": _made(),
            "platform_private_key": _made(),
            "public_key_id": f"PUB_KEY_ID_{world.random.digits(28)}",
        }
        text = json.dumps(made)
        world.store.run("INSERT INTO meta VALUES (?, ?)", KEPT_AS, text)
    kept = json.loads(text)
    return Keys(
        serial_no=kept["serial_no"],
        api_v3_key=kept["api_v3_key"],
        merchant_public_key=_private(kept["merchant_private_key"]).public_key(),
        merchant_private_key=kept["merchant_private_key"],
        platform_key=_private(kept["platform_private_key"]),
        public_key_id=kept["public_key_id"],
    )


def _made() -> str:
    key = rsa.generate_private_key(public_exponent=EXPONENT, key_size=BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _private(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("platform_private_key must be an RSA key")
    return key


def _public(pem: str) -> rsa.RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("merchant_public_key must be an RSA key")
    return key
