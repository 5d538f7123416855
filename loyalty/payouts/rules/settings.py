"""Settings of payouts (打款设置): limits, the second pair of eyes, the words of the transfer scene."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.channels.rules.inducement import check_not_luring
from loyalty.kernel.checking import is_tidy
from loyalty.payouts.rules.errors import InvalidPayoutSettings
from loyalty.payouts.rules.tax import IncomeKind

NET_FEN_MIN = 10
"""The least that WeChat Pay transfers."""
NAME_DEMANDED_FROM_FEN = 200_000
"""From this amount WeChat Pay demands the payee's name."""
AMOUNT_FEN_MAX = 100_000_00 * 100
POINTS_PER_YUAN_MAX = 100_000
_WORDS_MAX = 32
_LAST_DAY_OF_EVERY_MONTH = 28
_SCENE = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class PayoutProgramme:
    """What holds for withdrawals and batches."""

    minimum_fen: int = 100
    """The least that a member may withdraw, and that a batch pays."""
    member_day_fen: int = 50_000
    day_fen: int = 5_000_000
    """The most that leaves on one business date, to all members together."""
    approval_above_fen: int = 20_000
    """Above this a second person approves; of a batch, above this in all."""
    points_per_yuan: int | None = None
    """What one yuan is worth to who takes points instead; not offered while empty."""
    batch_day: int | None = None
    """The day of the month on which everybody is paid without asking; never while empty."""
    income_kind: IncomeKind = IncomeKind.LABOUR


@dataclass(frozen=True, slots=True)
class TransferScene:
    """The words of a transfer scene (转账场景), as granted to the merchant and shown to the member."""

    scene_id: str
    remark: str
    perception: str | None
    report: Sequence[tuple[str, str]]
    """Every row that the scene demands: kind of information, and what it says."""


def check_programme(programme: PayoutProgramme) -> None:
    """Refuse settings under which nothing could be paid, or anything.

    Raises:
        InvalidPayoutSettings: ``details`` names the field.
    """
    spans = {
        "minimum_fen": (programme.minimum_fen, NET_FEN_MIN, AMOUNT_FEN_MAX),
        "member_day_fen": (programme.member_day_fen, programme.minimum_fen, AMOUNT_FEN_MAX),
        "day_fen": (programme.day_fen, programme.member_day_fen, AMOUNT_FEN_MAX),
        "approval_above_fen": (programme.approval_above_fen, 0, AMOUNT_FEN_MAX),
        "points_per_yuan": (programme.points_per_yuan or 1, 1, POINTS_PER_YUAN_MAX),
        "batch_day": (programme.batch_day or 1, 1, _LAST_DAY_OF_EVERY_MONTH),
    }
    for field, (value, least, most) in spans.items():
        if isinstance(value, bool) or not least <= value <= most:
            raise InvalidPayoutSettings(field=field, least=least, most=most)


def check_scene(scene: TransferScene) -> None:
    """Refuse words that WeChat Pay would not take.

    Raises:
        ValueForFollowingOrSharing: they tell of money for following or sharing.
        InvalidPayoutSettings: ``details`` names the field.
    """
    if not _SCENE.fullmatch(scene.scene_id):
        raise InvalidPayoutSettings(field="scene_id")
    words = {"remark": scene.remark, "perception": scene.perception or "-"}
    words |= {f"report.{kind}": content for kind, content in scene.report}
    kinds = [kind for kind, _content in scene.report]
    if not kinds or len(set(kinds)) != len(kinds) or not all(is_tidy(kind, _WORDS_MAX) for kind in kinds):
        raise InvalidPayoutSettings(field="report")
    check_not_luring(words.values())
    for field, text in words.items():
        if not is_tidy(text, _WORDS_MAX):
            raise InvalidPayoutSettings(field=field, length_max=_WORDS_MAX)
