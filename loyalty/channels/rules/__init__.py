"""Pure rules of channels: what the platform lets us say, offer and be told."""

from loyalty.channels.rules.key_types import ValueUnfit, fit
from loyalty.channels.rules.mappings import MappingRefused, check_mapping, fill, keys_of

__all__ = ["MappingRefused", "ValueUnfit", "check_mapping", "fill", "fit", "keys_of"]
