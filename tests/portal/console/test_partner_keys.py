"""Pages of partner keys: the secret is shown once, and a second person approves."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.partners.models import PartnerKey
from loyalty.staff.rules import Role
from tests.factories.partners import make_key
from tests.factories.stores import make_headquarters, make_store
from tests.portal.console.conftest import Browser, LogIn

SECRET = re.compile(r'<code class="secret">([^<]{40,})</code>')


def make_by_form(browser: Browser, session: Session) -> tuple[PartnerKey, str]:
    store = make_store(session)
    session.commit()
    page = browser.submit("/console/partner-keys", name="收银一号", requests_per_minute=600, store_ids=store.id)
    found = SECRET.search(page)
    assert found is not None
    return session.scalars(select(PartnerKey).where(PartnerKey.name == "收银一号")).one(), found.group(1)


def test_a_key_is_made_by_one_and_approved_by_another(log_in: LogIn, session: Session) -> None:
    maker, checker = log_in(), log_in()
    key, secret = make_by_form(maker, session)
    here = f"/console/partner-keys/{key.id}"

    assert "由您提交" in maker.text(here)
    assert maker.post(f"{here}/approval").status_code == 403
    assert "待复核：新增密钥" in checker.text(here)
    assert "待复核</span>" in checker.text("/console/partner-keys")
    page = checker.submit(f"{here}/approval")

    assert "已通过，变更已生效" in page
    assert "待复核：" not in page
    assert secret not in page + checker.text("/console/audit") + checker.text("/console/partner-keys.csv")


def test_a_change_of_stores_a_rotation_and_switching_on_wait_and_switching_off_does_not(
    log_in: LogIn, session: Session
) -> None:
    other = make_store(session, name="新门店")
    key, _ = make_key(session, [make_store(session)])
    session.commit()
    maker, checker, here = log_in(), log_in(), f"/console/partner-keys/{key.id}"

    assert "等待其他管理员复核" in maker.submit(here, name="改名", requests_per_minute=5, store_ids=other.id)
    assert "新门店" in checker.submit(f"{here}/approval")
    assert SECRET.search(maker.submit(f"{here}/rotation"))
    assert "已拒绝" in checker.submit(f"{here}/refusal")
    assert "已停用" in maker.submit(f"{here}/off")
    assert "等待其他管理员复核" in maker.submit(f"{here}/on")
    assert "在用" in checker.submit(f"{here}/approval")


def test_two_rotations_at_once_are_refused_in_words(log_in: LogIn, session: Session) -> None:
    key, _ = make_key(session, [make_store(session)])
    session.commit()
    maker, checker, here = log_in(), log_in(), f"/console/partner-keys/{key.id}"
    maker.submit(f"{here}/rotation")

    again = maker.post(f"{here}/rotation")
    assert (again.status_code, "正在等待复核" in again.text) == (409, True)
    checker.submit(f"{here}/approval")
    again = maker.post(f"{here}/rotation")

    assert (again.status_code, "请先停用旧密钥" in again.text) == (409, True)
    assert "旧密钥已停用" in maker.submit(f"{here}/old-secret/end")


def test_a_mistake_keeps_what_was_typed(admin: Browser, session: Session) -> None:
    headquarters = make_headquarters(session)
    session.commit()

    for fields in ({"requests_per_minute": "x"}, {"requests_per_minute": 0}, {"store_ids": "x"}):
        values: dict[str, object] = {"name": "收银二号", "requests_per_minute": 5, "store_ids": headquarters.id}
        response = admin.post("/console/partner-keys", **values | fields)
        assert response.status_code == 422
        assert 'value="收银二号"' in response.get_data(as_text=True)


def test_an_auditor_reads_and_a_store_manager_sees_nothing(log_in: LogIn, session: Session) -> None:
    key, _ = make_key(session, [make_store(session)])
    session.commit()
    auditor, manager = log_in(Role.AUDITOR), log_in(Role.STORE_MANAGER)

    assert key.key_id in auditor.text("/console/partner-keys")
    assert auditor.get(f"/console/partner-keys/{key.id}").status_code == 403
    assert auditor.post(f"/console/partner-keys/{key.id}/off").status_code == 403
    assert manager.get("/console/partner-keys").status_code == 403
