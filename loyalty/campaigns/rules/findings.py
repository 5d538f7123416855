"""Findings (合规检查结果): what a rule of the platform or the law says against a campaign."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for the launch."""

    MUST_FIX = "must_fix"
    """It is not launched as long as this stands."""
    WARNING = "warning"
    """Somebody should look; it may be launched."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, where, and by which rule."""

    code: str
    severity: Severity
    source: str
    """The rule, as one can look it up."""
    message: str
    """What is wrong and what to do, in Chinese."""
    where: str
    """The place in the document: ``rules_text``, ``actions[1].body``."""
    excerpt: str = ""
    """The words that it is about."""
