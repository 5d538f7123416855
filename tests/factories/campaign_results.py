"""Campaigns that have run, written straight into their tables: entries with what they were given for real."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy.orm import Session

from loyalty.campaigns.models import Campaign, CampaignEntrance, CampaignEntry, CampaignRevision, CampaignRun
from loyalty.campaigns.rules.documents import dump
from loyalty.campaigns.rules.entries import EntranceKind, EntryState, MissReason
from loyalty.campaigns.rules.terms import Caps, GiveCoupon, GivePoints, Terms, Trigger, Visit
from loyalty.campaigns.rules.works import ONCE, OPEN, reference_of
from loyalty.coupons.rules.states import IssuePath
from loyalty.points import service as points
from loyalty.segments.rules.conditions import All
from tests.factories.coupons import issue_to
from tests.factories.points import AT

_tokens = count(1)
POINTS = 100


@dataclass
class RunningCampaign:
    """A campaign of 100 points and a coupon that members come to by visits, or whatever else its trigger says."""

    session: Session
    template_id: int
    trigger: Trigger = field(default_factory=Visit)
    store_ids: frozenset[int] = frozenset()
    holdout_percent: int = 10
    members_most: int | None = None
    at: datetime = AT
    ends_at: datetime | None = None
    state: str = "running"

    def __post_init__(self) -> None:
        terms = Terms(
            title="到店有礼",
            audience=All(()),
            trigger=self.trigger,
            actions=(GivePoints(POINTS), GiveCoupon(self.template_id)),
            rules_text="到店扫码，每人一次。",
            store_ids=self.store_ids,
            caps=Caps(points=1_000_000, members=self.members_most),
            holdout_percent=self.holdout_percent,
            ends_at=self.ends_at,
        )
        campaign = Campaign(title=terms.title, state="draft", created_by="staff:1", created_at=self.at)
        self.session.add(campaign)
        self.session.flush()
        said = {"number": 1, "terms": dump(terms), "created_by": "staff:1", "created_at": self.at}
        published = {"published_by": "staff:2", "published_at": self.at}
        revision = CampaignRevision(campaign_id=campaign.id, **said, **published)
        self.session.add(revision)
        self.session.flush()
        campaign.revision_id, campaign.state, campaign.started_at = revision.id, self.state, self.at
        self.id, self.revision_id = campaign.id, revision.id
        self.session.flush()
        self.runs = {name: self._run(name) for name in (ONCE, OPEN)}

    def stand(self, state: str) -> None:
        """Let it stand in another state."""
        campaign = self.session.get_one(Campaign, self.id)
        campaign.state, campaign.ended_at = state, self.at if state in ("ended", "undone") else None
        self.session.flush()

    def entrance(self, kind: EntranceKind = EntranceKind.LINK, store_id: int | None = None) -> CampaignEntrance:
        token = f"token-{self.id}-{next(_tokens)}"
        made = CampaignEntrance(
            campaign_id=self.id, kind=kind, store_id=store_id, token=token, created_by="staff:1", created_at=self.at
        )
        self.session.add(made)
        self.session.flush()
        return made

    def enter(
        self,
        member_id: int,
        *,
        at: datetime | None = None,
        occurrence: str = ONCE,
        run: str = ONCE,
        state: EntryState = EntryState.DONE,
        missed: MissReason | None = None,
        entrance: CampaignEntrance | None = None,
        store_id: int | None = None,
        delay: timedelta = timedelta(),
        owner_id: int | None = None,
    ) -> CampaignEntry:
        """Write an entry, and give what it says where it is done."""
        at, is_done = at or self.at, state is EntryState.DONE
        entry = CampaignEntry(
            campaign_id=self.id,
            member_id=member_id,
            occurrence=occurrence,
            run_id=self.runs[run],
            revision_id=self.revision_id,
            entrance_id=None if entrance is None else entrance.id,
            store_id=store_id,
            state=state,
            missed=missed,
            due_at=at + delay,
            owner_id=owner_id,
            points=POINTS if is_done else 0,
            coupons=int(is_done),
            cost_fen=0,
            entered_at=at,
            done_at=at + delay if is_done else None,
        )
        self.session.add(entry)
        self.session.flush()
        if is_done:
            self._give(owner_id or member_id, occurrence, at + delay)
        return entry

    def coupon_of(self, member_id: int, occurrence: str = ONCE) -> int:
        """Return the coupon that a member was given."""
        return self.coupons[member_id, occurrence]

    def _give(self, member_id: int, occurrence: str, at: datetime) -> None:
        points.open_account(self.session, member_id=member_id, at=at)
        reference = reference_of(self.id, occurrence, 0)
        points.adjust(
            self.session,
            member_id=member_id,
            points=POINTS,
            reference=reference,
            explanation={"rule": "campaign"},
            actor=f"campaign:{self.id}",
            at=at,
        )
        issued = issue_to(
            self.session,
            member_id,
            self.template_id,
            reference=reference_of(self.id, occurrence, 1),
            path=IssuePath.CAMPAIGN,
            at=at,
        )
        self.coupons[member_id, occurrence] = issued.coupon_id

    coupons: dict[tuple[int, str], int] = field(default_factory=dict, init=False)

    def _run(self, occurrence: str) -> int:
        run = CampaignRun(
            campaign_id=self.id,
            revision_id=self.revision_id,
            occurrence=occurrence,
            planned_for_at=self.at,
            started_at=self.at,
        )
        self.session.add(run)
        self.session.flush()
        return run.id
