"""Which column of a list holds what: guessed from the headings, in Chinese and English, corrected by hand."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "number": (
        "学工号", "学号", "工号", "职工号", "教工号", "人员编号", "编号", "student number", "student no",
        "student id",
        "staff number", "staff no", "staff id", "employee number", "employee id", "personnel number", "number", "no",
    ),
    "name": ("姓名", "名字", "学生姓名", "教师姓名", "full name", "student name", "staff name", "name"),
    "kind": (
        "人员类别", "人员类型", "身份类别", "身份类型", "类别", "类型", "身份", "person type", "kind", "type",
        "category",
    ),
    "department": (
        "院系名称", "所在学院", "所属部门", "院系", "学院", "部门", "单位", "department", "faculty", "school",
        "college",
        "unit",
    ),
    "groups": ("人员组", "门禁组", "权限组", "群组", "分组", "组", "groups", "group", "access groups", "access group"),
    "valid_from": (
        "生效日期", "开始日期", "起始日期", "有效期起", "入学日期", "入校日期", "入职日期", "valid from",
        "start date",
        "starts on", "enrolment date", "enrollment date",
    ),
    "valid_until": (
        "失效日期", "截止日期", "结束日期", "有效期止", "有效期至", "预计毕业日期", "毕业日期", "离校日期",
        "valid until",
        "valid to", "end date", "ends on", "expiry date", "expires", "graduation date",
    ),
    "state": ("账户状态", "在校状态", "人员状态", "状态", "account state", "state", "status"),
    "national_id": (
        "身份证号码", "身份证号", "身份证", "证件号码", "证件号", "national id", "identity number",
        "identity card number",
        "id card number", "id card", "id number",
    ),
}  # fmt: skip
_IN_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_SIGNS = re.compile(r"[\s_\-/:：*＊.·]+")
_LINES_ABOVE = 10
"""A heading stands in one of the first lines; above it may be the title of the list."""


def guess_columns(headings: Sequence[str]) -> dict[str, str]:
    """Return `{field: heading}` for what the headings tell; a heading is used once, and the surest guess first."""
    plain = {heading: _plain(heading) for heading in headings}
    found: dict[str, str] = {}
    for is_alike in (_is_same, _is_within):
        for field, known in _HEADINGS.items():
            taken = set(found.values())
            if field not in found:
                match = next(
                    (heading for one in known for heading in headings
                     if heading and heading not in taken and is_alike(_plain(one), plain[heading])),
                    None,
                )  # fmt: skip
                if match is not None:
                    found[field] = match
    return found


def find_header(lines: Sequence[tuple[int, Sequence[str]]]) -> int:
    """Return the place among `lines` of the one with the headings: of the first ten, the one that tells the most."""
    known = [len(guess_columns([cell for cell in cells if cell])) for _, cells in lines[:_LINES_ABOVE]]
    return known.index(max(known)) if known else 0


def _plain(heading: str) -> str:
    text = _IN_BRACKETS.sub("", unicodedata.normalize("NFKC", heading)).casefold()
    return _SIGNS.sub("", text)


def _is_same(known: str, heading: str) -> bool:
    return known == heading


def _is_within(known: str, heading: str) -> bool:
    """Chinese headings are compounds (`学生学号`); of English words one within another says little."""
    return not known.isascii() and len(known) > 1 and known in heading
