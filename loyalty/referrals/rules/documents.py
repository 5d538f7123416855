"""Programmes as JSON documents, as they are stored and sent: only what differs from the defaults. Reading is strict."""

from dataclasses import asdict, fields
from typing import Any

from loyalty.kernel.documents import Reader, Unreadable, flag, mapping, or_none, parts, text, whole
from loyalty.referrals.rules.programme import (
    Caps,
    InvalidReferralProgramme,
    OpeningReward,
    Programme,
    Purchase,
    Reward,
)


def to_json(programme: Programme) -> dict[str, Any]:
    """Return a programme as it is stored."""
    written = {name: _without_nothing(part) for name, part in asdict(programme).items()}
    return {name: part for name, part in written.items() if part not in (None, {})}


def from_json(document: object) -> Programme:
    """Read a programme; whether it makes sense is ``check_programme``'s to say.

    Raises:
        InvalidReferralProgramme: a key is unknown or missing, or a value has another type.
    """
    try:
        given = mapping("programme", document, {field.name for field in fields(Programme)})
        for name in _NEEDED:
            if name not in given:
                raise Unreadable(name, "不能为空")
        return Programme(**{name: _READERS[name](name, part) for name, part in given.items()})
    except Unreadable as error:
        raise InvalidReferralProgramme([error.problem]) from error


def _without_nothing(part: Any) -> Any:
    return {name: value for name, value in part.items() if value is not None} if isinstance(part, dict) else part


def _made(made: Any, readers: dict[str, Reader], needed: tuple[str, ...] = ()) -> Reader:
    return lambda name, value: made(**parts(name, value, readers, needed))


_NEEDED = ("title", "description", "share_title")
_REWARD = _made(Reward, {"points": whole, "coupon_template_id": or_none(whole)})
_READERS: dict[str, Reader] = {
    "title": text,
    "description": text,
    "share_title": text,
    "referrer": _REWARD,
    "referee": _REWARD,
    "purchase": or_none(_made(Purchase, {"minimum_fen": whole, "within_days": whole})),
    "caps": _made(Caps, {field.name: or_none(whole) for field in fields(Caps)}),
    "opening": or_none(
        _made(OpeningReward, {"points": whole, "per_day": whole, "total": or_none(whole)}, ("points", "per_day"))
    ),
    "attribution_days": whole,
    "link_days": whole,
    "wait_hours": whole,
    "is_open": flag,
}
