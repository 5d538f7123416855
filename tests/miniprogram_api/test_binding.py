from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.risk.models import Sighting
from tests.factories.members import make_identity, make_member, unused_phone
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.containers import NullContainer


@pytest.fixture
def consents(visitor: MiniProgram) -> list[dict[str, str]]:
    texts = visitor.get("/privacy-texts").json["items"]  # type: ignore[index]
    return [{"purpose": text["purpose"], "version": text["version"]} for text in texts if text["is_required"]]


def _bind(phone: MiniProgram, consents: list[dict[str, str]], code: str = "button") -> Any:
    return phone.post("/phone", {"code": code, "consents": consents})


class TestBindByButton:
    def test_enrols_a_visitor(
        self, visitor: MiniProgram, container: NullContainer, consents: list[dict[str, str]]
    ) -> None:
        container.mp.phones["button"] = unused_phone()

        bound = _bind(visitor, consents)

        assert bound.status_code == 200
        assert bound.json["outcome"] == "enrolled"
        me = visitor.get("/me").json
        assert me["is_member"]  # type: ignore[index]
        assert "****" in me["member"]["phone_masked"]  # type: ignore[index]

    def test_lets_risk_know_the_phone_it_came_from(
        self, visitor: MiniProgram, container: NullContainer, session: Session, consents: list[dict[str, str]]
    ) -> None:
        container.mp.phones["button"] = unused_phone()

        bound = visitor.post(
            "/phone", {"code": "button", "consents": consents, "referral_code": "NOBODYS2"}, device="phone-7"
        )

        assert bound.json["outcome"] == "enrolled"  # type: ignore[index]
        seen = session.scalars(select(Sighting)).one()
        assert seen.identity_id == visitor.identity.id
        assert seen.device_index == container.vault.index("phone-7", context="risk.device")

    def test_needs_the_required_consents(self, visitor: MiniProgram, container: NullContainer) -> None:
        container.mp.phones["button"] = unused_phone()

        refused = _bind(visitor, [])

        assert refused.status_code == 422
        assert refused.json["error"]["code"] == "consent_missing"

    def test_joins_a_member_known_from_the_official_account(
        self, visitor: MiniProgram, container: NullContainer, session: Session, consents: list[dict[str, str]], at: Any
    ) -> None:
        phone = unused_phone()
        known = make_member(session, phone=phone, last_active_at=at)
        make_identity(session, member=known)
        session.commit()
        container.mp.phones["button"] = phone

        assert _bind(visitor, consents).json["outcome"] == "joined"
        assert visitor.get("/me").json["member"]["number"] == known.number  # type: ignore[index]

    def test_refuses_a_code_that_is_not_good(self, visitor: MiniProgram, consents: list[dict[str, str]]) -> None:
        assert _bind(visitor, consents, code="used").status_code == 422


class TestBindBySms:
    def test_enrols_by_the_code_that_was_sent(
        self, visitor: MiniProgram, container: NullContainer, consents: list[dict[str, str]]
    ) -> None:
        phone = unused_phone()
        assert visitor.post("/phone/sms-codes", {"phone": phone}).status_code == 202
        sent = container.sms.sent[-1]  # type: ignore[attr-defined]

        bound = visitor.post("/phone/sms", {"phone": phone, "sms_code": sent.code, "consents": consents})

        assert sent.phone == phone
        assert bound.json["outcome"] == "enrolled"  # type: ignore[index]

    def test_says_nothing_about_whether_a_phone_is_known(
        self, visitor: MiniProgram, session: Session, member: Any
    ) -> None:
        known = unused_phone()
        make_member(session, phone=known)
        session.commit()

        answers = [visitor.post("/phone/sms-codes", {"phone": phone}) for phone in (known, unused_phone())]

        assert [(answer.status_code, answer.data) for answer in answers][0] == (202, answers[1].data)

    @pytest.mark.parametrize("phone", ["12345", "+14155550100", "not a phone", "１３８００００００００1😀"])
    def test_refuses_what_is_no_phone_of_the_four_regions(self, visitor: MiniProgram, phone: str) -> None:
        refused = visitor.post("/phone/sms-codes", {"phone": phone})

        assert refused.status_code == 422


class TestProfile:
    def test_keeps_a_nickname_of_four_byte_characters(self, mini_program: MiniProgram) -> None:
        assert mini_program.send("PATCH", "/me", json={"nickname": "𠮷野😀"}).status_code == 204

        assert mini_program.get("/me").json["member"]["nickname"] == "𠮷野😀"  # type: ignore[index]

    def test_refuses_who_is_under_fourteen(self, mini_program: MiniProgram) -> None:
        assert mini_program.send("PATCH", "/me", json={"birthday": "2015-01-01"}).status_code == 403

    def test_the_member_code_changes_and_is_drawn(self, mini_program: MiniProgram) -> None:
        code = mini_program.get("/member-code").json

        assert len(code["code"]) == 18  # type: ignore[index]
        assert code["qr_svg"].startswith("<svg")  # type: ignore[index]
