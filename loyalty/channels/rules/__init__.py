"""Pure rules of channels: what the platform lets us say, offer and be told."""

from loyalty.channels.rules.key_types import ValueUnfit, fit
from loyalty.channels.rules.mappings import (
    MappingRefused,
    Shape,
    fill,
    keys_of,
    labels_of,
    mapping_problems,
)

__all__ = [
    "MappingRefused",
    "Shape",
    "ValueUnfit",
    "fill",
    "fit",
    "keys_of",
    "labels_of",
    "mapping_problems",
]
