"""The holdout (对照组) as one SQL expression, the same as ``rules.holdout`` says it in Python."""

from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, String, cast, func, literal

from loyalty.campaigns.rules.holdout import drawn_from, threshold


def is_held_out(campaign_id: int, member_id: ColumnElement[Any], percent: int) -> ColumnElement[bool]:
    """Tell of a column of ids of members whether each is in the holdout of a campaign."""
    drawn = literal(drawn_from(campaign_id, "")).concat(cast(member_id, String))
    digest = func.sha256(func.convert_to(drawn, "UTF8"), type_=LargeBinary)
    return digest < literal(threshold(percent), LargeBinary)
