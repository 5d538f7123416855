"""Pictures of templates: what they are is told by their bytes, never by a name or by what an upload says of itself."""

import re

from loyalty.coupons.rules.errors import InvalidCouponTerms, Problem
from loyalty.kernel.errors import NotFound

PICTURE_BYTES_MAX = 300 * 1024
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_JPEG = b"\xff\xd8\xff"
_RIFF, _WEBP = b"RIFF", b"WEBP"
_RIFF_HEADER_BYTES = 8
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CouponPictureNotFound(NotFound):
    """No picture of a coupon template has this digest."""

    code = "coupon_picture_not_found"
    message = "没有这张图片"


def media_type_of(content: bytes) -> str:
    """Return what kind of picture an upload is.

    Raises:
        InvalidCouponTerms: it is no PNG, JPEG or WebP, or too large; the problem stands at ``picture``.
    """
    if len(content) > PICTURE_BYTES_MAX:
        raise InvalidCouponTerms([Problem("picture", f"图片不能超过 {PICTURE_BYTES_MAX // 1024} KB")])
    if content.startswith(_PNG) and _PNG_END in content:
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    if _is_webp(content):
        return "image/webp"
    raise InvalidCouponTerms([Problem("picture", "图片须为完整的 PNG、JPEG 或 WebP 文件")])


def is_digest(text: str) -> bool:
    """Tell whether a text could name a picture."""
    return _DIGEST.fullmatch(text) is not None


def _is_webp(content: bytes) -> bool:
    length = int.from_bytes(content[4:_RIFF_HEADER_BYTES], "little")
    return content[:4] == _RIFF and content[8:12] == _WEBP and len(content) == length + _RIFF_HEADER_BYTES
