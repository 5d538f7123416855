"""Segment pages: a condition is put together, counted and saved; snapshots, files and tags that follow it."""

import html
import re
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from loyalty.members.models import Member
from loyalty.segments import queries, service
from loyalty.segments.queries import SegmentView
from loyalty.segments.rules.conditions import All, AnyOf, Condition, Not
from loyalty.segments.rules.fact_types import Balance, EnrolledStore, HasBirthday, NeverBought
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.adjustments import work_off
from tests.factories.members import make_member
from tests.factories.tags import make_tag, put_tag, tags_of
from tests.portal.console.conftest import Browser, LogIn, download
from tests.support.containers import NullContainer, StandingClock

HERE = "/console/segments"
STAFF = Actor("staff:7")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def marketer(log_in: LogIn) -> Browser:
    return log_in(Role.MARKETER)


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


def saved(session: Session, at: datetime, condition: Condition, title: str = "西湖店会员") -> int:
    segment_id = service.save_segment(session, title=title, condition=condition, actor=STAFF, at=at)
    session.commit()
    return segment_id


def form_on(page: str) -> dict[str, list[str]]:
    """What a browser would send of the condition on a page: its lists, its texts and its boxes."""
    form: dict[str, list[str]] = {}
    for name, options in re.findall(r'<select[^>]* name="(c[-\d]*\.\w+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        form[name] = re.findall(r'<option value="(\w*)" selected', options)
    for tag in re.findall(r'<input[^>]* name="c[-\d]*\.\w+"[^>]*>', page):
        attributes = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if attributes["type"] != "checkbox" or tag.endswith("checked>"):
            form.setdefault(attributes["name"], []).append(attributes["value"])
    return form


def stop_all(session: Session) -> None:
    """Pause all work that is under way, as an error in one of its pages does."""
    for run_id in bulk.list_running(session):
        bulk.pause(session, run_id=run_id, error="ValueError")
    session.commit()


def only_segment(session: Session) -> SegmentView:
    session.expire_all()
    (segment,) = queries.list_segments(session)
    return segment


class TestBuildingWithoutScript:
    def test_rows_and_groups_come_and_go_by_the_server_and_nothing_typed_is_lost(
        self, marketer: Browser, session: Session, store: Store
    ) -> None:
        form = form_on(marketer.text(f"{HERE}/new"))

        def press(edit: str, **typed: object) -> None:
            nonlocal form
            page = marketer.submit(HERE, **form | {"title": "老客"} | typed, edit=edit)
            assert 'value="老客"' in page
            form = form_on(page)

        press("add:c", **{"c.new": "never_bought"})
        press("group:c", **{"c-1.not": "yes"})
        press("add:c-2", **{"c-2.new": "balance"})
        press("add:c-2", **{"c-2.new": "enrolled_store", "c-2-1.least": "500"})
        press("add:c", **{"c.new": "has_birthday", "c-2-2.store_ids": [str(store.id)]})
        press("remove:c-3")
        page = marketer.submit(HERE, **form, title="老客", edit="count")
        assert "不满足（从未消费），且（可用积分不少于 500，或入会门店：西湖店）" in page
        assert queries.list_segments(session) == []

        assert "已保存" in marketer.submit(HERE, **form, title="老客")

        group = AnyOf((Balance(least=500), EnrolledStore(frozenset({store.id}))))
        assert only_segment(session).condition == All((Not(NeverBought()), group))

    def test_what_is_wrong_is_told_at_its_row_and_the_form_stays(self, marketer: Browser, session: Session) -> None:
        form = {"c.join": "all", "c.not": "no", "c-1.fact": "balance", "c-1.not": "no", "c-1.least": "很多"}

        answer = marketer.post(HERE, title="测试", **form)

        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert '<div class="field-problem" id="problem-c-1">不少于须为整数</div>' in page
        assert 'value="很多"' in page
        assert queries.list_segments(session) == []

    @pytest.mark.parametrize(
        "fields",
        [
            {"c.join": "none"},
            {"c.join": "all", "c.not": "no", "c-1.fact": "unheard_of", "c-1.not": "no"},
            {"c.join": "all", "c.not": "no", "edit": "remove:c"},
            {"c.join": "all", "c.not": "no", "edit": "add:c", "c.new": "x"},
            {"edit": "add:" + "c-1" * 200},
        ],
    )
    @pytest.mark.parametrize("address", [HERE, f"{HERE}/condition", f"{HERE}/count"])
    def test_a_form_that_no_page_offers_is_refused_in_words(
        self, marketer: Browser, fields: dict[str, str], address: str
    ) -> None:
        answer = marketer.post(address, title="测试", **fields)

        is_read = address.endswith("count") and "edit" in fields
        assert (answer.status_code == 200) if is_read else (answer.headers["X-Error-Code"] == "invalid_field")

    @pytest.mark.parametrize(("title", "told"), [("", "1–40 个字符"), ("x" * 41, "1–40 个字符"), ("老客", "已有同名")])
    def test_a_title_that_will_not_do_is_told(
        self, marketer: Browser, session: Session, at: datetime, title: str, told: str
    ) -> None:
        saved(session, at, HasBirthday(), "老客")

        assert told in marketer.post(HERE, title=title).get_data(as_text=True)


class TestBuildingWithScript:
    def test_a_part_of_the_page_comes_back_and_the_count_is_asked_to_follow(self, marketer: Browser) -> None:
        answer = marketer.post(
            f"{HERE}/condition", **{"c.join": "all", "c.not": "no", "c.new": "tags", "edit": "add:c"}
        )

        part = answer.get_data(as_text=True)
        assert "<html" not in part
        assert form_on(part)["c-1.match"] == ["any"]
        assert answer.headers["HX-Trigger-After-Settle"] == "condition-changed"

    def test_the_count_comes_with_the_sentence_some_members_and_how_long_it_took(
        self, marketer: Browser, ours: Member, store: Store, session: Session
    ) -> None:
        session.commit()
        form = {"c.join": "all", "c.not": "no", "c-1.fact": "enrolled_store", "c-1.not": "no"}

        page = marketer.post(f"{HERE}/count", **form, **{"c-1.store_ids": store.id}).get_data(as_text=True)

        assert "<strong>1</strong> 位会员" in page
        assert "入会门店：西湖店" in page
        assert re.search(r"统计用时 \d+\.\d\d 秒", page)
        assert ours.number in page
        assert "139****5678" in page

    def test_each_row_hears_what_is_wrong_with_it_while_it_is_filled_in(self, marketer: Browser) -> None:
        form = {"c.join": "all", "c.not": "no", "c-1.fact": "tier", "c-1.not": "no"}
        data = {"csrf_token": marketer._csrf_token(), **form}

        page = marketer.client.post(f"{HERE}/count", data=data, headers=HTMX).get_data(as_text=True)

        assert '<div class="field-problem" id="problem-c-1" hx-swap-oob="true">请选择等级</div>' in page
        assert '<div class="field-problem" id="problem-c" hx-swap-oob="true"></div>' in page
        assert "位会员" not in page


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

    def test_are_counted_by_reach_and_sampled_masked(self, marketer: Browser, of_store: int, ours: Member) -> None:
        here = f"{HERE}/{of_store}"
        assert f'hx-get="{here}/audience" hx-trigger="load"' in marketer.text(here)

        for page in (marketer.text(f"{here}/audience"), marketer.text(f"{here}?counted=yes")):
            assert "<strong>1</strong> 位会员" in page
            assert re.search(r"<dt>可收站内消息</dt><dd>1 位</dd><dt>已关注公众号</dt><dd>0 位</dd>", page)
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
