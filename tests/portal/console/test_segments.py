"""Segment pages: lists, versions and audiences; snapshots, files and tags that follow a segment."""

import html
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit, bulk
from loyalty.members.models import Member
from loyalty.notices.models import CustomerWindow
from loyalty.segments import queries, service
from loyalty.segments.rules.conditions import Not
from loyalty.segments.rules.fact_types import EnrolledStore, HasBirthday
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.adjustments import work_off
from tests.factories.members import make_identity, make_member
from tests.factories.tags import make_tag, put_tag, tags_of
from tests.portal.console.conftest import Browser, LogIn, download
from tests.portal.console.segment_forms import HERE, STAFF, form_on, saved
from tests.support.containers import NullContainer, StandingClock


@pytest.fixture
def manager(log_in: LogIn, store: Store) -> Browser:
    return log_in(Role.STORE_MANAGER, stores=[store])


@pytest.fixture
def ours(session: Session, store: Store) -> Member:
    return make_member(session, enrolled_store_id=store.id, phone="+8613912345678")


@pytest.fixture
def of_store(session: Session, store: Store, ours: Member, at: datetime) -> int:
    """A segment of those who enrolled at the store: one member."""
    return saved(session, at, EnrolledStore(frozenset({store.id})))


def stop_all(session: Session) -> None:
    """Pause all work that is under way, as an error in one of its pages does."""
    for run_id in bulk.list_running(session):
        bulk.pause(session, run_id=run_id, error="ValueError")
    session.commit()


class TestSegments:
    def test_are_listed_in_words_filtered_and_archived(
        self, marketer: Browser, session: Session, of_store: int, at: datetime
    ) -> None:
        tag_id = make_tag(session, name="西湖")
        service.start_automatic_tag(session, segment_id=of_store, tag_id=tag_id, actor=STAFF, at=at)
        other = saved(session, at, Not(HasBirthday()), "没填生日")

        (row,) = download(marketer, "segments.csv?text=西湖")
        assert (row["名称"], row["条件"], row["自动标签"]) == ("西湖店会员", "入会门店：西湖店", "西湖")
        assert "停止自动标签" in marketer.submit(f"{HERE}/{of_store}/archive")
        assert "已停用" in marketer.submit(f"{HERE}/{other}/archive")

        assert "没填生日" not in marketer.text(HERE)
        assert "不满足（填写了生日）" in marketer.text(f"{HERE}?state=archived")
        page = marketer.text(f"{HERE}/{other}")
        assert not re.search(rf'action="{HERE}/{other}|{HERE}/{other}/edit', page)

    def test_keep_their_versions_and_nobody_overwrites_another(
        self, marketer: Browser, session: Session, of_store: int
    ) -> None:
        form = form_on(marketer.text(f"{HERE}/{of_store}/edit"))
        marketer.submit(f"{HERE}/{of_store}", **form | {"c-1.not": "yes"}, title="别店会员", number=1)

        answer = marketer.post(f"{HERE}/{of_store}", **form, title="西湖店会员", number=1)

        assert answer.status_code == 409
        assert "已被他人修改" in answer.get_data(as_text=True)
        page = marketer.text(f"{HERE}/{of_store}")
        assert "不满足（入会门店：西湖店）" in page
        assert re.search(r"以前的版本.*版本 1.*入会门店：西湖店", page, re.DOTALL)

    def test_are_counted_by_reach_and_sampled_masked(
        self, marketer: Browser, session: Session, of_store: int, ours: Member, at: datetime
    ) -> None:
        wrote = make_identity(session, member=ours)
        open_until = at + timedelta(hours=48)
        session.add(CustomerWindow(identity_id=wrote.id, act="wrote", remaining=5, expires_at=open_until))
        session.commit()
        here = f"{HERE}/{of_store}"
        assert f'hx-get="{here}/audience" hx-trigger="load"' in marketer.text(here)

        for page in (marketer.text(f"{here}/audience"), marketer.text(f"{here}?counted=yes")):
            assert "<strong>1</strong> 位会员" in page
            reach = re.findall(r"<dt>(.+?)</dt><dd>(\d) 位</dd>", page)
            assert reach == [
                ("有订阅消息授权", "0"),
                ("在客服消息窗口内", "1"),
                ("可收站内消息", "1"),
                ("已关注公众号", "0"),
            ]
            assert "139****5678" in page
            assert ours.number in page

    def test_of_the_chain_show_a_store_its_own_members_only_and_no_figures_of_others(
        self, manager: Browser, session: Session, ours: Member, at: datetime
    ) -> None:
        stranger = make_member(session, phone="+8613900001234")
        segment_id = saved(session, at, Not(HasBirthday()), "没填生日")
        service.take_snapshot(session, segment_id=segment_id, actor=STAFF, at=at)
        session.commit()

        page = manager.text(f"{HERE}/{segment_id}/audience")
        assert "只统计在您数据范围内" in page
        assert ours.number in page
        assert stranger.number not in page
        assert "快照" not in manager.text(f"{HERE}/{segment_id}")
        assert manager.get(f"{HERE}/{segment_id}/work").status_code == 403

    def test_are_made_by_those_who_see_the_whole_chain(
        self, log_in: LogIn, store: Store, of_store: int, session: Session
    ) -> None:
        local = log_in(Role.HEADQUARTERS_ADMIN, stores=[store])

        for address in (f"{HERE}/new", f"{HERE}/{of_store}/edit"):
            assert local.get(address).status_code == 403
        steps = ("", f"/{of_store}", f"/{of_store}/archive", f"/{of_store}/snapshots", f"/{of_store}/tags")
        for step in (*steps, *(f"/{of_store}/tags/1/{step}" for step in ("keep", "resume", "stop"))):
            assert local.post(f"{HERE}{step}", title="x", tag_id=1).status_code == 403, step
        for step in ("export", "resume"):
            assert local.post(f"/console/segment-snapshots/1/{step}").status_code == 403
        assert "新建分群" not in local.text(HERE)
        assert [one.title for one in queries.list_segments(session)] == ["西湖店会员"]


class TestSnapshots:
    def test_are_taken_watched_and_downloaded_masked_with_a_line_in_the_audit_log(
        self, admin: Browser, container: NullContainer, session: Session, of_store: int, ours: Member
    ) -> None:
        page = admin.submit(f"{HERE}/{of_store}/snapshots")
        assert "开始生成快照" in page
        assert 'hx-trigger="every 2s"' in page
        assert '<progress max="100" value="0"' in page
        (snapshot,) = queries.list_snapshots(session, segment_id=of_store).items
        export = f"/console/segment-snapshots/{snapshot.id}/export"
        assert admin.post(export).headers["X-Error-Code"] == "segment_snapshot_not_ready"

        work_off(container)
        session.expire_all()

        part = admin.text(f"{HERE}/{of_store}/work")
        assert "every 2s" not in part
        assert f'action="{export}"' in part
        (row,) = download(admin, f"segment-snapshots/{snapshot.id}/export")
        assert (row["会员号"], row["手机号"], row["入会门店"]) == (ours.number, "139****5678", "西湖店")
        (entry,) = audit.list_entries(session, action="segments.export")
        assert (entry.subject, entry.after) == (f"segment_snapshot:{snapshot.id}", {"members": 1})

    def test_are_downloaded_by_those_only_who_may(
        self, marketer: Browser, container: NullContainer, session: Session, of_store: int
    ) -> None:
        marketer.submit(f"{HERE}/{of_store}/snapshots")
        work_off(container)
        session.expire_all()

        assert "/export" not in marketer.text(f"{HERE}/{of_store}")

    def test_that_an_error_stopped_are_resumed_by_those_who_may_take_them(
        self, marketer: Browser, auditor: Browser, container: NullContainer, session: Session, of_store: int
    ) -> None:
        marketer.submit(f"{HERE}/{of_store}/snapshots")
        stop_all(session)
        (snapshot,) = queries.list_snapshots(session, segment_id=of_store).items
        resume = f"/console/segment-snapshots/{snapshot.id}/resume"
        assert f'action="{resume}"' in marketer.text(f"{HERE}/{of_store}")
        assert resume not in auditor.text(f"{HERE}/{of_store}")

        assert "继续执行" in marketer.submit(resume)
        work_off(container)
        session.expire_all()

        assert queries.get_snapshot(session, snapshot_id=snapshot.id).members == 1
        assert resume not in marketer.text(f"{HERE}/{of_store}")
        assert "已完成" in marketer.submit(resume)


class TestAutomaticTags:
    def test_follow_the_segment_are_run_at_will_and_stopped(
        self, marketer: Browser, container: NullContainer, session: Session, of_store: int, ours: Member, store: Store
    ) -> None:
        tag_id, by_hand = make_tag(session, name="西湖"), make_tag(session, name="手工")
        put_tag(session, by_hand, ours.id)
        session.commit()
        here = f"{HERE}/{of_store}"
        assert f'<option value="{tag_id}">西湖</option>' in marketer.text(here)

        assert "标签开始跟随分群" in marketer.submit(f"{here}/tags", tag_id=tag_id)
        work_off(container)
        session.expire_all()
        assert tags_of(session, ours.id) == {tag_id, by_hand}
        assert f'<a href="{here}">分群 {of_store}</a>' in marketer.text(f"/console/tags/{tag_id}")
        assert f'<option value="{tag_id}">' not in marketer.text(here)
        assert "已由其他分群自动维护" in marketer.submit(f"{here}/tags", tag_id=tag_id)

        session.get_one(Member, ours.id).enrolled_store_id = None
        session.commit()
        assert isinstance(container.clock, StandingClock)
        container.clock.advance(seconds=1)
        assert "开始更新标签" in marketer.submit(f"{here}/tags/{tag_id}/keep")
        work_off(container)
        session.expire_all()
        assert tags_of(session, ours.id) == {by_hand}
        figures = re.findall(r"<td>(\d+)</td>", marketer.text(f"{here}/work"))
        assert figures == ["0", "1"]

        assert "不再跟随" in marketer.submit(f"{here}/tags/{tag_id}/stop")
        assert queries.list_automatic_tags(session, segment_id=of_store) == []

    def test_that_an_error_stopped_are_resumed(
        self, marketer: Browser, container: NullContainer, session: Session, of_store: int, ours: Member
    ) -> None:
        tag_id, here = make_tag(session, name="西湖"), f"{HERE}/{of_store}"
        session.commit()
        marketer.submit(f"{here}/tags", tag_id=tag_id)
        stop_all(session)
        page = marketer.text(here)
        assert "执行出错（<code>ValueError</code>）" in page
        assert f'action="{here}/tags/{tag_id}/resume"' in page
        assert f'action="{here}/tags/{tag_id}/keep"' not in page

        assert "继续执行" in marketer.submit(f"{here}/tags/{tag_id}/resume")
        work_off(container)
        session.expire_all()

        assert tags_of(session, ours.id) == {tag_id}
        assert f'action="{here}/tags/{tag_id}/keep"' in marketer.text(here)

    def test_that_do_not_follow_are_refused_in_words(self, marketer: Browser, of_store: int) -> None:
        assert "没有找到该自动标签" in html.unescape(marketer.submit(f"{HERE}/{of_store}/tags/987654/keep"))
        assert marketer.post(f"{HERE}/{of_store}/tags", tag_id="x").status_code == 422
