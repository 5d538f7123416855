"""The referral programme is drafted, published with its warning agreed to, and its channels are switched."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.referrals.queries.programmes import current_programme, find_draft, is_on
from loyalty.referrals.rules.programme import WARNING_VERSION, Caps, OpeningReward, Programme, Purchase, Reward
from loyalty.referrals.rules.sharing import Channel
from loyalty.staff.rules import Role
from tests.factories.referrals import publish
from tests.portal.console.conftest import Browser, LogIn

ADDRESS = "/console/referral-programme"
FORM = {
    "title": "春日邀请",
    "description": "好友入会后双方各得奖励。",
    "share_title": "来喝一杯",
    "condition": "purchase",
    "minimum_amount": "50",
    "within_days": "30",
    "referrer_points": "100",
    "referee_points": "50",
    "per_day": "5",
    "attribution_days": "30",
    "link_days": "30",
    "wait_hours": "24",
    "is_open": "yes",
}
OPENING = {"pays_for_opening": "yes", "opening_points": "2", "opening_per_day": "10", "opening_total": "300"}


@pytest.fixture
def marketer(log_in: LogIn) -> Browser:
    return log_in(Role.MARKETER)


def test_a_draft_is_what_was_filled_in_and_is_shown_in_words(
    marketer: Browser, session: Session, template_id: int
) -> None:
    page = marketer.submit(f"{ADDRESS}/draft", **FORM, referee_coupon=str(template_id))

    assert "好友成为新会员，并在入会后 30 天内单笔实付满 50 元，您得 100 积分，好友得 50 积分和一张「早鸟券」。" in page
    draft = find_draft(session)
    assert draft is not None
    assert draft.programme == Programme(
        title="春日邀请",
        description="好友入会后双方各得奖励。",
        share_title="来喝一杯",
        referrer=Reward(100),
        referee=Reward(50, template_id),
        purchase=Purchase(5_000, 30),
        caps=Caps(per_day=5),
    )
    assert current_programme(session) is None


def test_the_form_shows_the_draft_again(marketer: Browser, session: Session) -> None:
    marketer.submit(f"{ADDRESS}/draft", **FORM, **OPENING)
    before = find_draft(session)
    page = marketer.text(f"{ADDRESS}/edit")
    for text in ('value="春日邀请"', 'value="50"', 'name="pays_for_opening" value="yes" checked'):
        assert text in page

    marketer.submit(f"{ADDRESS}/draft", **FORM, **OPENING)

    after = find_draft(session)
    assert before is not None
    assert after is not None
    assert after.programme == before.programme


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"description": "转发到朋友圈即可领积分"}, "「转发到朋友圈即可领」"),
        ({"referrer_points": "很多"}, "邀请人积分须为整数"),
        ({"minimum_amount": "0"}, "单笔最低实付：须在"),
        ({"attribution_days": ""}, "首次打开后有效天数：须在 1–365 之间"),
        ({"title": ""}, "活动名称：须为 1–30 个字"),
        ({"referee_coupon": "999999"}, "好友优惠券：没有这张券"),
        ({"condition": "follow"}, "达成条件请从列表中选择"),
        (OPENING | {"opening_per_day": "0"}, "每天最多计：须在"),
        (OPENING | {"opening_total": "9"}, "累计最多计：不能小于每天的上限"),
    ],
)
def test_what_could_not_be_paid_or_lures_is_refused_and_stays_typed(
    marketer: Browser, session: Session, changes: dict[str, str], told: str
) -> None:
    answer = marketer.post(f"{ADDRESS}/draft", **(FORM | changes))

    assert answer.status_code == 422
    assert told in answer.text
    assert "来喝一杯" in answer.text
    assert find_draft(session) is None


def test_publishing_puts_it_in_force_once(marketer: Browser, session: Session) -> None:
    marketer.submit(f"{ADDRESS}/draft", **FORM)

    assert "已发布" in marketer.submit(f"{ADDRESS}/publish")
    assert "没有待发布的邀请活动草稿" in marketer.submit(f"{ADDRESS}/publish")
    current = current_programme(session)
    assert current is not None
    assert current.published_by == f"staff:{marketer.staff.id}"  # type: ignore[union-attr]


def test_paying_for_an_opening_needs_the_warning_agreed_to_and_keeps_who_did(
    marketer: Browser, session: Session
) -> None:
    page = marketer.submit(f"{ADDRESS}/draft", **FORM, **OPENING)
    assert "诱导分享" in page

    assert "须先确认风险告知" in marketer.submit(f"{ADDRESS}/publish")
    assert "须先确认风险告知" in marketer.submit(f"{ADDRESS}/publish", acknowledged_text="2019-01")
    page = marketer.submit(f"{ADDRESS}/publish", acknowledged_text=WARNING_VERSION)

    assert f"风险告知（{WARNING_VERSION} 版）由" in page
    current = current_programme(session)
    assert current is not None
    assert current.programme.opening == OpeningReward(2, 10, 300)
    assert current.acknowledged_text == WARNING_VERSION


def test_a_draft_is_thrown_away(marketer: Browser, session: Session) -> None:
    marketer.submit(f"{ADDRESS}/draft", **FORM)

    marketer.submit(f"{ADDRESS}/discard")

    assert find_draft(session) is None


class TestSwitches:
    @pytest.mark.parametrize("role", [Role.MARKETER, Role.RISK, Role.HEADQUARTERS_ADMIN])
    def test_are_turned_with_a_reason(self, log_in: LogIn, session: Session, role: Role) -> None:
        staff = log_in(role)

        staff.submit(f"{ADDRESS}/channels/poster/off", reason="被投诉")
        assert not is_on(session, channel=Channel.POSTER)
        staff.submit(f"{ADDRESS}/channels/poster/on", reason="已处理")
        assert is_on(session, channel=Channel.POSTER)

    def test_stay_without_a_reason_or_a_channel(self, marketer: Browser, session: Session) -> None:
        assert "理由" in marketer.submit(f"{ADDRESS}/channels/poster/off", reason="")
        assert marketer.post(f"{ADDRESS}/channels/moments/off", reason="x").status_code == 422
        assert is_on(session, channel=Channel.POSTER)


class TestRoles:
    def test_an_auditor_sees_everything_and_changes_nothing(
        self, log_in: LogIn, session: Session, at: datetime
    ) -> None:
        publish(session, at=at)
        session.commit()
        auditor = log_in(Role.AUDITOR)

        page = auditor.text(ADDRESS)

        assert "邀请有礼" in page
        assert "确认发布" not in page
        for path in ("draft", "publish", "discard", "channels/poster/off"):
            assert auditor.post(f"{ADDRESS}/{path}", **FORM, reason="x").status_code == 403

    def test_stores_have_no_part_in_it(self, log_in: LogIn) -> None:
        assert log_in(Role.STORE_MANAGER).get(ADDRESS).status_code == 403
