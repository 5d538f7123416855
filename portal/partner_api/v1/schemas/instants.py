"""Instants as they come in: with an offset, and kept in UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields


class Instant(fields.AwareDateTime):
    """ISO 8601 with an offset; the same instant is the same value, whatever its offset."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> datetime:
        try:
            return super()._deserialize(value, attr, data, **options).astimezone(UTC)
        except OverflowError as error:
            raise ValidationError("时间超出范围") from error
