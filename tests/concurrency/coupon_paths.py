"""Every path on which members get coupons: the one table of the races and of the faults.

A path is a function of the domain that issues, and how clients come along it: those that race in one process, and
those that are processes themselves and ask a running system (``tests/kill/test_coupon_paths.py``). A new path needs a
row here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loyalty.coupons.rules.issue_jobs import Work
from loyalty.coupons.rules.states import IssuePath
from tests.concurrency import coupon_races as races
from tests.concurrency.coupon_races import Client, MakeJob
from tests.kill import coupon_requests as requests
from tests.kill import coupon_wishes as wishes
from tests.kill.coupon_requests import Ask
from tests.kill.coupon_wishes import Wishing


@dataclass(frozen=True)
class Job:
    """How members get coupons as a job that another person approves."""

    make: MakeJob
    check: Work


@dataclass(frozen=True)
class Path:
    """One path, and how clients come along it."""

    issues: IssuePath
    entrance: str
    race: Client
    wish: Wishing
    ask: Ask
    victims: Sequence[str]
    """Who is at work in a running system, and may be killed at it."""
    job: Job | None = None


PATHS: Mapping[str, Path] = {
    "centre": Path(
        IssuePath.CLAIM,
        "loyalty.coupons.service.claiming:claim",
        races.each(races.claim),
        wishes.by_members,
        requests.claim,
        ["web", "client"],
    ),
    "link": Path(
        IssuePath.LINK,
        "loyalty.coupons.service.claiming:claim_by_link",
        races.each(races.by_link),
        wishes.by_members,
        requests.claim_by_link,
        ["web", "client"],
    ),
    "code": Path(
        IssuePath.CODE,
        "loyalty.coupons.service.claiming:claim_by_code",
        races.each(races.by_code),
        wishes.by_codes,
        requests.claim_by_code,
        ["web", "client"],
    ),
    "rule": Path(
        IssuePath.EARNING_RULE,
        "loyalty.earning.service.coupons:give",
        races.each(races.by_rule),
        wishes.by_refs,
        requests.report,
        ["web", "worker", "client"],
    ),
    "mission": Path(
        IssuePath.MISSION,
        "loyalty.missions.service.paying:_give",
        races.each(races.by_mission),
        wishes.by_refs,
        requests.report_deed,
        ["web", "worker", "client"],
    ),
    "referral": Path(
        IssuePath.REFERRAL,
        "loyalty.referrals.service.rewarding:_give_coupon",
        races.each(races.by_referral),
        wishes.by_referrals,
        requests.tell_qualified,
        ["worker", "client"],
    ),
    "campaign": Path(
        IssuePath.CAMPAIGN,
        "loyalty.campaigns.service.acting:act_on",
        races.each(races.by_visit),
        wishes.by_visits,
        requests.visit,
        ["client"],
    ),
    "staff": Path(
        IssuePath.STAFF,
        "loyalty.coupons.service.by_hand:give",
        races.each(races.by_staff),
        wishes.by_members,
        requests.give,
        ["client"],
    ),
    "partner": Path(
        IssuePath.PARTNER,
        "loyalty.partners.service.coupons:issue_coupon",
        races.each(races.by_partner),
        wishes.by_refs,
        requests.issue,
        ["web", "client"],
    ),
    "tag_job": Path(
        IssuePath.BULK,
        "loyalty.coupons.service.issue_jobs.life:create_for_tag",
        races.in_bulk,
        wishes.by_job(races.for_tag),
        requests.approve,
        ["worker"],
        Job(races.for_tag, Work.CHECK_TAG),
    ),
    "file_job": Path(
        IssuePath.BULK,
        "loyalty.coupons.service.issue_jobs.life:create_for_file",
        races.in_bulk,
        wishes.by_job(races.for_file),
        requests.approve,
        ["worker"],
        Job(races.for_file, Work.CHECK),
    ),
}
