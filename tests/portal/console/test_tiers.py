"""The ladder and its evaluation are set in the console, and a member's level by hand, with its history."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.staff.rules import Role
from loyalty.tiers import queries
from loyalty.tiers.rules import Benefits, Period, Policy, Tier
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.factories.tiers import evaluate, grow, make_ladder, rolling
from tests.portal.console.conftest import Browser, LogIn

LADDER = {"name": ["普通", "银卡", ""], "threshold": ["0", "500", ""], "multiplier": ["", "1.25", ""]}


class TestLadder:
    def test_is_saved_with_its_benefits_and_shown_again(self, admin: Browser, session: Session) -> None:
        page = admin.submit("/console/tiers", **LADDER)

        assert "等级已保存" in page
        assert 'value="1.25"' in page
        assert queries.list_tiers(session) == [
            Tier(1, "普通", 0),
            Tier(2, "银卡", 500, Benefits(points_multiplier=12_500)),
        ]
        assert audit.list_entries(session, action="tiers.save_tiers")[0].actor == f"staff:{admin.staff.id}"  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"threshold": ["5", "500", ""]}, "第一个等级的门槛须为 0"),
            ({"name": ["普通", "普通", ""]}, "名称不能重复"),
            ({"multiplier": ["", "99", ""]}, "积分倍数须为 1 到 10"),
            ({"multiplier": ["", "1,5", ""]}, "填写的内容不正确"),
            ({"threshold": ["0", "-1", ""]}, "填写的内容不正确"),
            ({"name": [], "threshold": [], "multiplier": []}, "须有 1 到 20 个等级"),
        ],
    )
    def test_that_makes_no_sense_is_refused_and_what_was_typed_stays(
        self, admin: Browser, session: Session, changes: dict[str, list[str]], told: str
    ) -> None:
        answer = admin.post("/console/tiers", **(LADDER | changes))

        assert answer.status_code == 422
        assert told in answer.text
        assert queries.list_tiers(session) == []


class TestPolicy:
    def test_is_saved_in_the_programmes_zone_and_told_in_one_sentence(self, admin: Browser, session: Session) -> None:
        page = admin.submit("/console/tiers/policy", period="rolling_months", months="6", grace_days="14")

        assert "成长值按最近 6 个月滚动累计" in page
        assert "保留 14 天" in page
        assert queries.policy_in_force(session) == Policy(Period.ROLLING_MONTHS, 6, 14, "Asia/Shanghai")

    @pytest.mark.parametrize("changes", [{"months": "0"}, {"grace_days": "366"}, {"period": "weekly"}])
    def test_that_makes_no_sense_is_refused(self, admin: Browser, session: Session, changes: dict[str, str]) -> None:
        fields = {"period": "rolling_months", "months": "6", "grace_days": "14"} | changes

        assert admin.post("/console/tiers/policy", **fields).status_code == 422
        assert queries.policy_in_force(session) == Policy()


def test_a_level_by_hand_is_set_shown_with_its_reason_and_ended(admin: Browser, session: Session, at: datetime) -> None:
    make_ladder(session, at=at)
    member = make_member(session)
    session.commit()

    page = admin.submit(f"/console/members/{member.id}/tier", level="2", until_on="2026-12-31", reason="品牌大使")

    assert "已设定等级" in page
    assert "普通会员 → 银卡会员（到 2026-12-31）" in page
    assert "人工设定等级：品牌大使" in page
    assert queries.tier_of(session, member_id=member.id, at=at).level == 2
    page = admin.submit(f"/console/members/{member.id}/tier/end")
    assert "已结束人工定级" in page
    assert queries.tier_of(session, member_id=member.id, at=at).level == 1


@pytest.mark.parametrize(
    "changes",
    [{"reason": ""}, {"until_on": ""}, {"until_on": "9999-12-31"}, {"until_on": "2026-03-09"}, {"level": "9"}],
)
def test_a_level_by_hand_without_end_or_reason_is_refused_in_words(
    admin: Browser, session: Session, at: datetime, changes: dict[str, str]
) -> None:
    make_ladder(session, at=at)
    member = make_member(session)
    session.commit()

    page = admin.submit(
        f"/console/members/{member.id}/tier",
        **({"level": "2", "until_on": "2026-12-31", "reason": "品牌大使"} | changes),
    )

    assert "alert-danger" in page
    assert queries.tier_of(session, member_id=member.id, at=at).level == 1


def test_a_level_is_shown_with_its_grace_and_offered_to_nobody_who_may_not_set_it(
    log_in: LogIn, session: Session, at: datetime
) -> None:
    make_ladder(session, policy=rolling(12), at=at - timedelta(days=400))
    member = make_member(session)
    grow(session, member.id, 600, at - timedelta(days=400))
    evaluate(session, at)
    session.commit()

    page = log_in(Role.FINANCE).text(f"/console/members/{member.id}")

    assert "成长值达到升级门槛" in page
    assert "成长值不足以保级，保留到 2026-04-09" in page
    assert f"/console/members/{member.id}/tier" not in page


def test_a_member_outside_the_scope_is_not_found(log_in: LogIn, session: Session, at: datetime) -> None:
    make_ladder(session, at=at)
    mine, other = make_store(session), make_store(session)
    member = make_member(session, enrolled_store_id=other.id)
    session.commit()
    marketer = log_in(Role.MARKETER, stores=[mine])

    marketer.post(f"/console/members/{member.id}/tier", level="2", until_on="2026-12-31", reason="品牌大使")

    assert queries.tier_of(session, member_id=member.id, at=at).level == 1
