import pytest

from loyalty.channels.rules import ValueUnfit, fit

AT_LIMIT = [
    ("thing1", "积" * 20),
    ("thing1", "签到 +10 分，好的!"),
    ("number1", "9" * 32),
    ("number1", "1" * 30 + ".25"),
    ("letter1", "A" * 32),
    ("symbol1", "#@!%&"),
    ("character_string1", "A-1/" * 8),
    ("time1", "15:01"),
    ("time1", "2026年10月1日 15:01"),
    ("time1", "2026-10-01 15:01:59"),
    ("date1", "2026年10月1日"),
    ("date1", "2026-10-01 15:01"),
    ("amount1", "¥12345678.90元"),
    ("amount1", "1234567890"),
    ("phone_number1", "+86-0766-66888866"),
    ("phone_number1", "138****0001"),
    ("car_number1", "粤A8Z888挂"),
    ("name1", "王" * 10),
    ("name1", "A" * 20),
    ("phrase1", "积分已到账"),
]
ONE_OVER = [
    ("number1", "9" * 33),
    ("number1", "-5"),
    ("number1", "五"),
    ("letter1", "A" * 33),
    ("letter1", "A1"),
    ("symbol1", "#@!%&*"),
    ("character_string1", "A" * 33),
    ("character_string1", "会员1"),
    ("time1", "25:01"),
    ("time1", "下午3点"),
    ("date1", "10月1日"),
    ("amount1", "12345678901"),
    ("amount1", "十元"),
    ("phone_number1", "1" * 18),
    ("car_number1", "粤A8Z8888挂"),
    ("phrase1", "abc"),
]
CUT_TO_FIT = [
    ("thing1", "积" * 21, "积" * 19 + "…"),
    ("thing1", "第一行\n第二行🎉", "第一行 第二行"),
    ("name1", "王" * 11, "王" * 9 + "…"),
    ("name1", "A" * 21, "A" * 19 + "…"),
    ("name1", "王Anna Maria Lee", "王Anna Mar…"),
    ("phrase1", "积分已到账了", "积分已到账"),
]


@pytest.mark.parametrize(("key", "value"), AT_LIMIT)
def test_a_value_at_its_limit_stays_as_it_is(key: str, value: str) -> None:
    assert fit(key, value) == value


@pytest.mark.parametrize(("key", "value"), ONE_OVER)
def test_figures_beyond_their_limit_are_refused(key: str, value: str) -> None:
    with pytest.raises(ValueUnfit) as caught:
        fit(key, value)

    assert caught.value.details["key"] == key


@pytest.mark.parametrize(("key", "value", "expected"), CUT_TO_FIT)
def test_texts_are_cut_to_their_limit(key: str, value: str, expected: str) -> None:
    assert fit(key, value) == expected


@pytest.mark.parametrize("value", ["", "   ", "\n", "🎉🎊"])
@pytest.mark.parametrize("key", ["thing1", "number1", "phrase1", "time1"])
def test_nothing_is_never_a_value(key: str, value: str) -> None:
    with pytest.raises(ValueUnfit, match="unfit"):
        fit(key, value)


@pytest.mark.parametrize("key", ["first", "remark", "thing", "nothing1", "thing1.DATA", "", "thing①"])
def test_keys_that_wechat_does_not_show_are_refused(key: str) -> None:
    with pytest.raises(ValueUnfit):
        fit(key, "1")
