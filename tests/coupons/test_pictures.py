import struct

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponPicture
from loyalty.coupons.queries.pictures import get_picture
from loyalty.coupons.rules.errors import InvalidCouponTerms
from loyalty.coupons.rules.pictures import PICTURE_BYTES_MAX, CouponPictureNotFound, media_type_of
from loyalty.coupons.service.pictures import keep_picture
from loyalty.kernel import audit
from tests.factories.coupons import ACTOR
from tests.factories.points import AT
from tests.support.pictures import PNG

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 40
WEBP = b"RIFF" + struct.pack("<I", 12) + b"WEBPVP8 " + b"\0" * 4


@pytest.mark.parametrize(("content", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
def test_a_picture_is_known_by_its_bytes(content: bytes, kind: str) -> None:
    assert media_type_of(content) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + b"\0" * 40,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html>" + PNG,
        PNG[:-8],
        WEBP[:-1],
        JPEG + b"\0" * PICTURE_BYTES_MAX,
    ],
)
def test_anything_else_is_refused_at_its_field(content: bytes) -> None:
    with pytest.raises(InvalidCouponTerms) as refused:
        media_type_of(content)

    assert [problem.field for problem in refused.value.problems] == ["picture"]


def test_the_same_picture_is_kept_once(session: Session) -> None:
    first, again = (keep_picture(session, content=PNG, actor=ACTOR, at=AT) for _ in range(2))

    assert first == again
    assert get_picture(session, digest=first).content == PNG
    assert session.scalar(select(func.count()).select_from(CouponPicture)) == 1
    assert len(audit.list_entries(session, subject=f"coupon_picture:{first}")) == 1


def test_what_names_no_picture_is_not_found(session: Session) -> None:
    for digest in ("0" * 64, "a\0b", "x"):
        with pytest.raises(CouponPictureNotFound):
            get_picture(session, digest=digest)
