"""Coupons in the mini program: what is held, the code for the till, and what it all costs in statements."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from marshmallow import RAISE
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponPicture
from loyalty.coupons.rules.codes import read_code
from loyalty.coupons.rules.terms import (
    DaysFromIssue,
    Eligibility,
    FixedDates,
    MemberLimits,
    Scope,
    Stock,
    Terms,
    Windows,
)
from loyalty.coupons.service.voiding import void
from loyalty.kernel.local_time import Hours
from miniprogram_api.v1.schemas import coupons as schemas
from tests.factories.coupon_uses import undo, use_up
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import AT
from tests.factories.stores import make_store
from tests.factories.tags import make_tag, put_tag
from tests.miniprogram_api.conftest import MiniProgram
from tests.miniprogram_api.coupons import offered, wait
from tests.support.containers import NullContainer
from tests.support.statements import StatementCounter


class TestWallet:
    def test_has_three_shelves(
        self, mini_program: MiniProgram, session: Session, container: NullContainer, member_id: int, at: datetime
    ) -> None:
        template_id = make_template(session, terms_of(validity=DaysFromIssue(1)))
        kept, gone = (issue_to(session, member_id, template_id).coupon_id for _ in range(2))
        void(session, coupon_ids=[gone], reason="错发", actor=ACTOR, at=at)
        session.commit()

        def shelf(name: str) -> list[tuple[int, str]]:
            items = mini_program.get(f"/coupons?shelf={name}").json["items"]  # type: ignore[index]
            return [(one["id"], one["standing"]) for one in items]

        assert (shelf("usable"), shelf("used")) == ([(kept, "usable")], [])
        assert shelf("lapsed") == [(gone, "voided")]
        assert mini_program.get("/me").json["member"]["usable_coupons"] == 1  # type: ignore[index]
        wait(container, days=1)
        assert shelf("lapsed") == [(gone, "voided"), (kept, "lapsed")]
        assert mini_program.get("/coupons?shelf=stolen").status_code == 422

    def test_and_its_coupons_are_written_as_the_schemas_say(
        self, mini_program: MiniProgram, session: Session, member_id: int
    ) -> None:
        used, kept = (issue_to(session, member_id, make_template(session)).coupon_id for _ in range(2))
        use_up(session, member_id, used)
        session.commit()

        for shelf in ("usable", "used"):
            items = schemas.Wallet(unknown=RAISE).load(mini_program.get(f"/coupons?shelf={shelf}").json)["items"]
            assert [one["redeemed_at"] is None for one in items] == [shelf == "usable"]
        for coupon_id in (used, kept):
            schemas.CouponDetail(unknown=RAISE).load(mini_program.get(f"/coupons/{coupon_id}").json)

    def test_keeps_others_out(self, mini_program: MiniProgram, session: Session) -> None:
        coupon_id = issue_to(session, make_member(session).id, make_template(session)).coupon_id
        session.commit()

        for path in (f"/coupons/{coupon_id}", f"/coupons/{coupon_id}/code"):
            assert mini_program.get(path).status_code == 404


class TestCoupon:
    def hold(self, session: Session, member_id: int, terms: Terms | None = None, at: datetime = AT) -> str:
        coupon_id = issue_to(session, member_id, make_template(session, terms), at=at).coupon_id
        session.commit()
        return f"/coupons/{coupon_id}"

    def test_shows_a_code_that_rotates(
        self, mini_program: MiniProgram, session: Session, container: NullContainer, member_id: int
    ) -> None:
        path = self.hold(session, member_id)
        first = mini_program.get(f"{path}/code").json
        wait(container, minutes=1)
        second = mini_program.get(f"{path}/code").json

        assert first is not None
        assert second is not None
        assert (len(first["code"]), first["code"][:2], first["display"].replace(" ", "")) == (18, "66", first["code"])
        assert first["code"] != second["code"]
        assert first["qr_svg"].startswith("<svg")
        key = container.settings.member_code_key
        assert f"/coupons/{read_code(key, second['code'], container.clock.now())}" == path

    @pytest.mark.parametrize(
        ("changes", "unfit", "reason"),
        [
            (
                {"windows": Windows(weekdays=frozenset({6, 7}))},
                "weekday",
                "本券仅限 周六、周日 使用，下次可用时间 3月14日 00:00",
            ),
            (
                {"windows": Windows(hours=(Hours(660, 840),))},
                "hours",
                "本券仅限 11:00–14:00 使用，下次可用时间 3月10日 11:00",
            ),
            (
                {
                    "windows": Windows(hours=(Hours(480, 540),)),
                    "validity": FixedDates(date(2026, 3, 10), date(2026, 3, 10)),
                },
                "hours",
                "本券仅限 08:00–09:00 使用，有效期内已没有可用时段",
            ),
        ],
    )
    def test_says_why_it_cannot_be_used_now_and_shows_no_code(
        self,
        mini_program: MiniProgram,
        session: Session,
        member_id: int,
        changes: dict[str, object],
        unfit: str,
        reason: str,
    ) -> None:
        path = self.hold(session, member_id, terms_of(**changes), AT - timedelta(hours=2))

        detail, code = mini_program.get(path).json, mini_program.get(f"{path}/code")

        assert detail is not None
        assert (detail["standing"], detail["unfit"], detail["reason"]) == ("usable", unfit, reason)
        assert code.status_code == 409
        assert code.json["error"]["details"]["coupons"][0]["message"] == reason  # type: ignore[index]

    def test_tells_its_terms_with_names_but_not_those_of_tags(
        self, mini_program: MiniProgram, session: Session, member_id: int, at: datetime
    ) -> None:
        tag_id = make_tag(session, name="老朋友")
        put_tag(session, tag_id, member_id)
        store = make_store(session, name="静安寺店")
        terms = terms_of(
            scope=Scope(included_nodes=frozenset({store.id})),
            eligibility=Eligibility(tags=frozenset({tag_id})),
            description="仅限堂食",
        )

        detail = mini_program.get(self.hold(session, member_id, terms)).json

        assert detail is not None
        assert {"满 ¥100.00 减 ¥20.00", f"限 {store.name} 使用", "限指定会员领取"} <= set(detail["lines"])
        assert "老朋友" not in str(detail)
        assert (detail["description"], detail["unfit"], detail["redemption"]) == ("仅限堂食", None, None)

    def test_tells_where_it_was_used_until_that_is_reversed(
        self, mini_program: MiniProgram, session: Session, member_id: int
    ) -> None:
        path = self.hold(session, member_id)
        used = use_up(session, member_id, int(path.rpartition("/")[2]))
        session.commit()
        detail = mini_program.get(path).json

        assert detail is not None
        assert (detail["standing"], detail["unfit"]) == ("used", "used")
        assert (detail["redemption"]["discount_fen"], detail["redemption"]["store_name"]) == (2_000, None)
        assert [one["standing"] for one in mini_program.get("/coupons?shelf=used").json["items"]] == ["used"]  # type: ignore[index]

        undo(session, used.redemptions[0].id)
        session.commit()
        detail = mini_program.get(path).json
        assert detail is not None
        assert (detail["standing"], detail["redemption"]) == ("usable", None)


def test_a_picture_is_kept_for_ever_and_needs_no_session(
    mini_program: MiniProgram, session: Session, at: datetime
) -> None:
    digest = "a1" * 32
    picture = CouponPicture(
        digest=digest, media_type="image/png", content=b"\x89PNG", uploaded_by="staff:1", uploaded_at=at
    )
    session.add(picture)
    template_id = make_template(session, terms_of(picture=digest))
    session.commit()
    path = offered(mini_program)[template_id]["picture"]

    answer = mini_program.client.get(path)

    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"\x89PNG", "image/png")
    assert "immutable" in answer.headers["Cache-Control"]
    assert mini_program.client.get(path.replace("a1", "b2")).status_code == 404


class TestStatements:
    """Authentication included; BEGIN and COMMIT not."""

    @pytest.mark.parametrize(
        ("terms", "most"),
        [
            ({"member_limits": MemberLimits(total=2, per_day=1)}, 5),
            ({"member_limits": MemberLimits(total=2, per_day=1), "stock": Stock(per_day=50)}, 6),
        ],
    )
    def test_of_a_claim(
        self,
        mini_program: MiniProgram,
        session: Session,
        statements: StatementCounter,
        terms: dict[str, Any],
        most: int,
    ) -> None:
        template_id = make_template(session, terms_of(**terms))
        # The counters of the stock exist from the first coupon on.
        issue_to(session, make_member(session).id, template_id)
        session.commit()
        statements.clear()

        assert mini_program.post(f"/coupon-centre/{template_id}/claims", key="count-me").status_code == 201

        assert statements.count <= most, "\n".join(statements.sent)

    def test_of_a_sold_out_answer_reach_no_counter(
        self, mini_program: MiniProgram, session: Session, statements: StatementCounter
    ) -> None:
        template_id = make_template(session, stock=1)
        issue_to(session, make_member(session).id, template_id)
        session.commit()
        statements.clear()

        assert mini_program.post(f"/coupon-centre/{template_id}/claims", key="too-late").status_code == 429

        # Beside the caller and the look one more, for which those who follow send none.
        assert statements.count == 3, "\n".join(statements.sent)
        assert not any("UPDATE" in one or "INSERT" in one for one in statements.sent)

    def test_of_lists_are_two_with_many_coupons(
        self, mini_program: MiniProgram, session: Session, statements: StatementCounter, member_id: int
    ) -> None:
        templates = [make_template(session, terms_of(), stock=None) for _ in range(3)]
        for number in range(60):
            issue_to(session, member_id, templates[number % 3])
        session.commit()

        for path in ("/coupons", "/coupons?shelf=lapsed", "/coupon-centre", f"/coupon-centre/{templates[0]}", "/me"):
            statements.clear()
            assert mini_program.get(path).status_code == 200
            assert statements.count <= 2, "\n".join([path, *statements.sent])
