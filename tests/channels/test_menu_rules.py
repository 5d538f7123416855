from typing import Any

import pytest

from loyalty.channels.rules.menus import MenuInvalid, check_menu, click_keys

CLICK = {"type": "click", "name": "客服", "key": "KF"}
VIEW = {"type": "view", "name": "会员卡", "url": "https://example.cn/h5/card"}
PAGE = {
    "type": "miniprogram",
    "name": "小程序",
    "appid": "wx1",
    "pagepath": "pages/card/index",
    "url": "https://example.cn",
}


def below(*buttons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": "会员", "sub_button": list(buttons), **changes}


@pytest.mark.parametrize(
    "menu",
    [
        [CLICK],
        [CLICK, VIEW, PAGE],
        [below(*[VIEW] * 5)],
        [VIEW | {"sub_button": []}],
        [CLICK | {"name": "会员中心"}],
        [CLICK | {"name": "a" * 16}],
        [below(CLICK | {"name": "名" * 20})],
        [CLICK | {"key": "k" * 128}],
        [VIEW | {"url": "https://a.cn/" + "p" * 1011}],
    ],
)
def test_a_menu_within_the_limits_is_taken(menu: list[dict[str, Any]]) -> None:
    check_menu(menu)


@pytest.mark.parametrize(
    ("menu", "problem"),
    [
        ([], "一级菜单应为 1 至 3 个按钮"),
        ([CLICK] * 4, "一级菜单应为 1 至 3 个按钮"),
        (["x"], "一级菜单应为 1 至 3 个按钮"),
        ([below(*[VIEW] * 6)], "第 1 个菜单：子菜单最多 5 个"),
        ([below(below(VIEW))], "第 1 个菜单的第 1 个子菜单：不能再有下级菜单"),
        ([below(VIEW, type="click", key="k")], "第 1 个菜单：有子菜单时不能再设置动作"),
        ([CLICK | {"name": " "}], "第 1 个菜单：名称不能为空"),
        ([CLICK | {"name": "a" * 17}], "第 1 个菜单：名称过长，最多约4 个汉字（16 字节）"),
        (
            [below(CLICK | {"name": "名" * 20 + "a"})],
            "第 1 个菜单的第 1 个子菜单：名称过长，最多约20 个汉字（60 字节）",
        ),
        ([CLICK | {"type": "shout"}], "第 1 个菜单：请选择按钮的动作"),
        ([{"name": "空"}], "第 1 个菜单：请选择按钮的动作"),
        ([CLICK | {"key": ""}], "第 1 个菜单：缺少 key"),
        ([CLICK | {"key": "k" * 129}], "第 1 个菜单：KEY 过长，最多 128 字节"),
        ([VIEW | {"url": "javascript:alert(1)"}], "第 1 个菜单：链接应以 https:// 开头"),
        ([VIEW | {"url": "https://[x"}], "第 1 个菜单：链接不正确"),
        ([VIEW | {"url": "https://a.cn/" + "p" * 1012}], "第 1 个菜单：链接过长，最多 1024 字节"),
        ([VIEW, {key: PAGE[key] for key in PAGE if key != "appid"}], "第 2 个菜单：缺少 appid"),
        ([CLICK | {"name": "a\0"}], "含有无法保存的字符"),
        ([below(CLICK | {"key": "\ud800"})], "含有无法保存的字符"),
        ([CLICK | {"colour": "red"}], "第 1 个菜单：多余的内容 colour"),
    ],
)
def test_a_mistake_is_named_with_its_place(menu: list[Any], problem: str) -> None:
    with pytest.raises(MenuInvalid) as caught:
        check_menu(menu)

    found = caught.value.details["problems"]
    assert isinstance(found, list)
    assert problem in found


def test_click_keys_are_found_at_both_levels() -> None:
    assert click_keys([CLICK, below(VIEW, CLICK | {"key": "B"})]) == ["KF", "B"]
