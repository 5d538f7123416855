"""Saved segments: titles, revisions, and who overwrites whom."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.segments import queries, service
from loyalty.segments.rules.conditions import Not
from loyalty.segments.rules.errors import (
    InvalidSegmentTitle,
    SegmentArchived,
    SegmentChanged,
    SegmentNotFound,
    SegmentTitleTaken,
)
from tests.segments.stage import GOLD, STAFF


class TestSaving:
    def test_each_condition_is_a_revision_of_its_own_and_the_same_again_is_none(
        self, session: Session, save: Callable[..., int], at: datetime
    ) -> None:
        segment_id = save()
        save(segment_id=segment_id, title=" 金卡会员 ")
        assert queries.get_segment(session, segment_id=segment_id).number == 1

        save(segment_id=segment_id, condition=Not(GOLD), number=1)

        view = queries.get_segment(session, segment_id=segment_id)
        assert (view.title, view.number, view.condition) == ("金卡", 2, Not(GOLD))
        assert [one.condition for one in queries.list_revisions(session, segment_id=segment_id)] == [Not(GOLD), GOLD]
        audited = audit.list_entries(session, subject=f"segment:{segment_id}", action="segments.save")
        assert len(audited) == 3

    def test_who_began_with_an_older_revision_overwrites_nothing(self, save: Callable[..., int]) -> None:
        segment_id = save()
        save(segment_id=segment_id, condition=Not(GOLD), number=1)

        with pytest.raises(SegmentChanged):
            save(segment_id=segment_id, condition=GOLD, number=1)

    @pytest.mark.parametrize("title", ["", "  ", "x" * 41, "a\nb"])
    def test_a_title_that_cannot_be_told_is_refused(self, save: Callable[..., int], title: str) -> None:
        with pytest.raises(InvalidSegmentTitle):
            save(title=title)

    def test_a_title_is_free_again_once_its_segment_is_archived(
        self, session: Session, save: Callable[..., int], at: datetime
    ) -> None:
        segment_id = save()
        with pytest.raises(SegmentTitleTaken), session.begin_nested():
            save()

        service.archive_segment(session, segment_id=segment_id, actor=STAFF, at=at)

        assert save() != segment_id
        assert [one.id for one in queries.list_segments(session, text="金", is_archived=True)] == [segment_id]
        with pytest.raises(SegmentArchived):
            save(segment_id=segment_id)
        with pytest.raises(SegmentNotFound):
            save(segment_id=10**12)

    def test_a_revision_never_changes(self, session: Session, save: Callable[..., int]) -> None:
        save()

        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text("UPDATE segment_revisions SET number = 9"))
