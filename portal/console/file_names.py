"""What is wrong with an uploaded list (名单), as a whole or with whom a line names, as pages tell it."""

from collections.abc import Mapping

from loyalty.members.rules.naming import BadName

FAULT_NAMES = {
    "encoding": "不是可识别的 CSV 或 XLSX 文件（旧版 .xls 请另存为 .xlsx）",
    "damaged": "文件已损坏，或某个单元格过长",
    "no_rows": "文件中没有数据行",
    "too_many_rows": "超过 1,000,000 行",
    "too_large_unpacked": "文件解压后过大",
}
NAMING_PROBLEMS: Mapping[str, str] = {
    BadName.MISSING: "没有填写手机号或会员号",
    BadName.INVALID: "手机号或会员号不正确",
    BadName.SCIENTIFIC: "手机号变成了科学计数，请把该列设为文本后重新填写",
    BadName.FORMULA: "单元格是公式，请粘贴为数值",
}
"""By the reasons' own codes, which are those of every kind of list."""
