from dataclasses import replace

import pytest

from loyalty.channels.queries import draft_menu
from loyalty.gateways.errors import WechatUnavailable
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from tests.portal.demo.conftest import container_on, demo
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID


@pytest.fixture
def chain(fresh_database: Database) -> NullContainer:
    return container_on(fresh_database)


def seed(container: NullContainer) -> str:
    result = demo(container, "seed", "--members", "0")
    assert result.exit_code == 0, result.output
    return result.output


def moved(container: NullContainer, base_url: str) -> NullContainer:
    return replace(container, settings=replace(container.settings, public_base_url=base_url))


def test_the_menu_is_published_and_leads_to_our_pages(chain: NullContainer) -> None:
    seed(chain)
    (menu,) = chain.oa.published_menus
    assert menu[0]["url"] == f"{chain.settings.public_base_url}/h5/"
    names = [below["name"] for below in menu[2]["sub_button"]]
    assert names == ["领券中心", "积分明细", "站内消息", "设置", "联系客服"]


def test_the_menu_follows_the_address_of_the_next_run(chain: NullContainer) -> None:
    seed(chain)
    seed(moved(chain, "http://127.0.0.1:8001"))
    assert [menu[1]["url"] for menu in chain.oa.published_menus] == [
        "http://localhost/h5/check-ins",
        "http://127.0.0.1:8001/h5/check-ins",
    ]


def test_a_menu_that_staff_made_stays(chain: NullContainer) -> None:
    seed(chain)
    chain.oa.published_menus.append([{"name": "新品", "type": "view", "url": "https://example.com/"}])
    seed(moved(chain, "http://127.0.0.1:8001"))
    assert len(chain.oa.published_menus) == 2


def test_a_sandbox_that_does_not_answer_costs_a_warning_only(chain: NullContainer) -> None:
    chain.oa.publish_error = WechatUnavailable()
    told = seed(chain)
    assert "wechat_unavailable" in told
    assert "Traceback" not in told
    chain.oa.publish_error = None
    assert "published" in seed(chain)


def test_without_a_sandbox_the_menu_stays_a_draft(fresh_database: Database) -> None:
    container = container_on(fresh_database, WECHAT_SANDBOX_URL="")
    seed(container)
    assert container.oa.published_menus == []
    draft = run(fresh_database, lambda session: draft_menu(session, appid=OA_APPID))
    assert draft is not None
    assert draft.buttons[0]["name"] == "会员卡"
