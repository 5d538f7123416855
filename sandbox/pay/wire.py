"""Signatures and encryption of APIv3: RSA with SHA-256 both ways, RSA-OAEP for names, AES-256-GCM for callbacks."""

import base64
import re
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from sandbox.faults import Fault
from sandbox.pay.errors import PayError
from sandbox.pay.keys import keys_of
from sandbox.world import World

SCHEME = "WECHATPAY2-SHA256-RSA2048"
ALGORITHM = "AEAD_AES_256_GCM"
CLOCK_SECONDS = 300
PROBE = "WECHATPAY/SIGNTEST/"
PART = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Signed:
    """One request of a merchant, as it was signed."""

    method: str
    path: str
    body: str
    authorization: str


def check_authorization(world: World, signed: Signed) -> None:
    """Refuses a request that the merchant did not sign now. Raises PayError SIGN_ERROR.

    Now is by the sandbox's clock or by real time: libraries sign by the machine's clock, which nobody can move.
    """
    scheme, _, rest = signed.authorization.partition(" ")
    parts = dict(PART.findall(rest))
    keys, timestamp = keys_of(world), parts.get("timestamp", "")
    if scheme != SCHEME or parts.get("mchid") != world.config.merchant.mch_id:
        raise PayError("SIGN_ERROR", "商户号或签名类型错误")
    if parts.get("serial_no") != keys.serial_no:
        raise PayError("SIGN_ERROR", "商户证书序列号有误")
    if not (timestamp.isascii() and timestamp.isdigit()) or _is_off(world, int(timestamp)):
        raise PayError("SIGN_ERROR", "HTTP头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    text = "\n".join((signed.method, signed.path, timestamp, parts.get("nonce_str", ""), signed.body, ""))
    try:
        signature = base64.b64decode(parts.get("signature", ""), validate=True)
        keys.merchant_public_key.verify(signature, text.encode(), PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature) as error:
        raise PayError("SIGN_ERROR") from error


def signature_headers(world: World, body: str, fault: Fault | None = None) -> dict[str, str]:
    """The headers that prove a body to be the platform's; a fault may spoil them."""
    spoiled = fault or Fault()
    if spoiled.signature == "none":
        return {}
    keys = keys_of(world)
    timestamp, nonce = str(int(world.clock.now()) + spoiled.timestamp_shift), world.random.text(32)
    text = "\n".join((timestamp, nonce, "another body" if spoiled.signature == "wrong" else body, ""))
    signature = base64.b64encode(keys.platform_key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": PROBE + signature if spoiled.signature == "signtest" else signature,
        "Wechatpay-Serial": keys.public_key_id[::-1] if spoiled.signature == "serial" else keys.public_key_id,
        "Wechatpay-Signature-Type": SCHEME,
    }


def encrypted(world: World, plain: str, *, kind: str, with_wrong_key: bool) -> dict[str, str]:
    """The ``resource`` of a callback."""
    key, nonce = keys_of(world).api_v3_key, world.random.text(12)
    if with_wrong_key:
        key = key[::-1]
    cipher = AESGCM(key.encode()).encrypt(nonce.encode(), plain.encode(), kind.encode())
    return {
        "algorithm": ALGORITHM,
        "ciphertext": base64.b64encode(cipher).decode(),
        "associated_data": kind,
        "nonce": nonce,
        "original_type": kind,
    }


def decrypted_name(world: World, cipher: str) -> str:
    """A name that the merchant encrypted for the platform. Raises PayError PARAM_ERROR."""
    try:
        data = base64.b64decode(cipher, validate=True)
        padding = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 - as prescribed
        return keys_of(world).platform_key.decrypt(data, padding).decode()
    except ValueError as error:
        raise PayError("PARAM_ERROR", "收款用户姓名解密失败") from error


def _is_off(world: World, timestamp: int) -> bool:
    return min(abs(timestamp - world.clock.now()), abs(timestamp - time.time())) > CLOCK_SECONDS
