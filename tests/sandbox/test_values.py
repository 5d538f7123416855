"""Every type of template key at its limit and one over."""

import pytest

from sandbox.values import fits

FITS = [
    ("thing1", "字" * 20),
    ("thing1", "签到+10 分！a"),
    ("number1", "1" * 32),
    ("number1", f"{'1' * 30}.25"),
    ("letter1", "a" * 32),
    ("symbol1", "！@#￥%"),
    ("character_string1", "A1-" * 10 + "~!"),
    ("time1", "15:01"),
    ("time1", "2019年10月1日 15:01"),
    ("time1", "2019-10-01 15:01"),
    ("time1", "2019-10-01 15:01~2019-10-02 08:00"),
    ("date1", "2019年10月1日"),
    ("date1", "2024-02-29 23:59"),
    ("amount1", "￥1234567890"),
    ("amount1", "12345678.90元"),
    ("amount1", "$0.5"),
    ("phone_number1", "+86-0766-66888866"),
    ("phone_number1", "138****0001"),
    ("car_number1", "粤A8Z888挂"),
    ("name1", "一二三四五六七八九十"),
    ("name1", "A" * 20),
    ("name1", "John Smith-Lee"),
    ("phrase1", "已到账啦啊"),
    ("const1", "已发放"),
    ("keyword1", "任意" * 50),
]

DOES_NOT = [
    ("thing1", "字" * 21),
    ("thing1", "第一行\n第二行"),
    ("thing1", "签到🎉"),
    ("number1", "1" * 33),
    ("number1", "10分"),
    ("number1", "-1"),
    ("number1", "１２"),
    ("letter1", "a" * 33),
    ("letter1", "abc1"),
    ("symbol1", "！@#￥%&"),
    ("symbol1", "a"),
    ("character_string1", "A" * 33),
    ("character_string1", "会员1"),
    ("time1", "24:00"),
    ("time1", "2019-10-01"),
    ("time1", "2019-02-30 15:01"),
    ("time1", "2019/10/01 15:01"),
    ("date1", "2023年2月29日"),
    ("date1", "15:01"),
    ("amount1", "￥12345678901"),
    ("amount1", "￥$1"),
    ("amount1", "一百元"),
    ("phone_number1", "+86-0766-668888666"),
    ("phone_number1", "电话12345"),
    ("car_number1", "粤A88888888"),
    ("car_number1", "A粤8888"),
    ("name1", "一二三四五六七八九十一"),
    ("name1", "A" * 21),
    ("name1", "A" * 10 + "字"),
    ("name1", "小明1"),
    ("phrase1", "已到账啦啊呀"),
    ("phrase1", "ok"),
    ("const1", "字" * 21),
    ("thing1", ""),
    ("thing1", "  "),
]


@pytest.mark.parametrize(("key", "value"), FITS)
def test_a_value_at_the_limit_fits(key: str, value: str) -> None:
    assert fits(key, value, choices={})


@pytest.mark.parametrize(("key", "value"), DOES_NOT)
def test_a_value_over_the_limit_does_not_fit(key: str, value: str) -> None:
    assert not fits(key, value, choices={})


def test_an_enum_takes_only_its_reviewed_values() -> None:
    choices = {"enum1": ["已发放", "已过期"]}
    assert fits("enum1", "已过期", choices=choices)
    assert not fits("enum1", "别的", choices=choices)
