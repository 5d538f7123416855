"""Reads of uploaded pictures."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponPicture
from loyalty.coupons.rules.pictures import CouponPictureNotFound, is_digest


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a picture, and of which kind they are."""

    media_type: str
    content: bytes


def get_picture(session: Session, *, digest: str) -> Picture:
    """Return a picture.

    Raises:
        CouponPictureNotFound: there is none with this digest.
    """
    if not is_digest(digest):
        raise CouponPictureNotFound
    picture = CouponPicture
    row = session.execute(select(picture.media_type, picture.content).where(picture.digest == digest)).one_or_none()
    if row is None:
        raise CouponPictureNotFound
    return Picture(row.media_type, row.content)


def has_picture(session: Session, *, digest: str) -> bool:
    """Tell whether a picture was uploaded."""
    return session.scalar(select(CouponPicture.digest).where(CouponPicture.digest == digest)) is not None
