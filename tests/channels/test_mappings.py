import pytest

from loyalty.channels.rules import Shape, ValueUnfit, fill, keys_of, mapping_problems

FACTS = {"points": "points", "reason": "text", "member_number": "text", "occurred_at": "instant"}


def problems(mapping: dict[str, str], template: Shape | None = None) -> list[str]:
    return mapping_problems(mapping, facts=FACTS, template=template)


class TestProblems:
    @pytest.mark.parametrize(
        "mapping",
        [
            {"thing1": "{reason}", "number2": "{points:unsigned}", "time3": "{occurred_at}"},
            {"character_string1": "{member_number}"},
            {"character_string1": "{points}"},
            {"thing1": "积分变动{points}，{reason}"},
            {"phrase1": "已到账"},
        ],
    )
    def test_takes_what_fits_for_every_notice(self, mapping: dict[str, str]) -> None:
        assert problems(mapping) == []

    @pytest.mark.parametrize(
        ("mapping", "problem"),
        [
            ({}, "至少设置一个字段"),
            ({"first": "{reason}"}, "first：微信已不再支持这个关键词"),
            ({"thing1": "{nothing}"}, "thing1：通知中没有“nothing”"),
            ({"thing1": ""}, "thing1：内容不能为空"),
            ({"number1": "{points}"}, "number1：应为32 位以内数字，可带小数，不能带正负号"),
            ({"number1": "{points:unsigned}分"}, "number1：应为32 位以内数字，可带小数，不能带正负号"),
            ({"time1": "{reason}"}, "time1：应为24 小时制时间，可带年月日"),
            ({"phrase1": "{points}"}, "phrase1：应为5 个以内汉字"),
        ],
    )
    def test_names_what_cannot_work(self, mapping: dict[str, str], problem: str) -> None:
        assert problems(mapping) == [problem]

    def test_names_every_problem(self) -> None:
        assert len(problems({"first": "a", "number1": "{reason}好"})) == 2

    def test_serves_exactly_the_keys_of_the_template(self) -> None:
        content = "变动原因:{{thing1.DATA}}\n变动积分:{{ number2.DATA }}"

        assert keys_of(content) == ["thing1", "number2"]
        assert problems({"thing1": "{reason}", "time3": "{occurred_at}"}, Shape(content)) == [
            "number2：模板中有此字段，尚未设置",
            "time3：模板中没有此字段",
        ]

    def test_tells_that_a_key_has_become_one_of_another_type(self) -> None:
        template = Shape("变动原因:{{phrase1.DATA}}\n变动积分:{{number2.DATA}}")

        assert problems({"thing1": "{reason}", "number2": "{points:unsigned}"}, template) == [
            "thing1：模板中此字段的类型已是 phrase1"
        ]

    def test_keys_that_wechat_no_longer_shows_need_no_value(self) -> None:
        old = Shape("{{first.DATA}}\n原因:{{thing1.DATA}}\n{{remark.DATA}}")

        assert problems({"thing1": "{reason}"}, old) == []

    def test_a_key_with_reviewed_values_takes_one_of_them_only(self) -> None:
        template = Shape("状态:{{enum1.DATA}}", {"enum1": ["已到账", "已退回"]})

        assert problems({"enum1": "已到账"}, template) == []
        assert problems({"enum1": "{reason}"}, template) == ["enum1：只能是审核通过的“已到账”“已退回”之一"]


class TestFill:
    def test_puts_facts_in_their_places(self) -> None:
        mapping = {"thing1": "{reason}（{points}）", "number2": "{points:unsigned}"}

        assert fill(mapping, {"reason": "积分兑换", "points": "-50"}) == {"thing1": "积分兑换（-50）", "number2": "50"}

    def test_facts_are_not_read_as_placeholders(self) -> None:
        assert fill({"thing1": "{reason}"}, {"reason": "{points}", "points": "5"}) == {"thing1": "{points}"}

    def test_a_missing_fact_is_unfit(self) -> None:
        with pytest.raises(ValueUnfit):
            fill({"thing1": "{reason}"}, {})
