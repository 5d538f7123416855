"""The campaigns of the demo chain: one runs and has held its days, one waits for a second person, one is over."""

from loyalty.campaigns.queries.campaigns import list_campaigns
from loyalty.campaigns.queries.runs import list_runs
from loyalty.campaigns.rules.entries import EntryState
from loyalty.campaigns.rules.terms import CampaignState
from loyalty.kernel.transaction import run
from loyalty.segments.queries import list_segments
from portal.demo.campaigns import SEGMENTS, seed_campaigns
from tests.portal.demo.conftest import AT
from tests.support.containers import NullContainer


def test_one_of_each_kind_is_there_once(seeded: NullContainer) -> None:
    templates = {"满 100 减 20": 1, "8.5 折券": 2}
    again = run(seeded.database, lambda session: seed_campaigns(session, seeded, templates=templates, at=AT))
    campaigns = {one.id: one for one in run(seeded.database, list_campaigns).items}

    assert not again
    assert [campaigns[one].state for one in (1, 2, 3)] == [
        CampaignState.RUNNING,
        CampaignState.WAITING,
        CampaignState.ENDED,
    ]
    assert {one.title for one in run(seeded.database, list_segments)} == set(SEGMENTS)


def test_what_ran_gave_to_members_and_held_some_out(seeded: NullContainer) -> None:
    for campaign_id, count in ((1, 2), (3, 1)):
        found = run(seeded.database, lambda session, one=campaign_id: list_runs(session, campaign_id=one)).items  # type: ignore[misc]

        assert len(found) == count
        assert all(one.entries[EntryState.WAITING] == 0 for one in found)
        assert sum(one.entries[EntryState.DONE] for one in found) > 0
