"""What people write into the cells of a list, as the words and dates that it is read by."""

import re
import unicodedata
from collections.abc import Mapping

from accounts.vocabulary import PersonKind, PersonState

_KINDS: Mapping[PersonKind, tuple[str, ...]] = {
    PersonKind.STUDENT: (
        "学生", "本科", "本科生", "专科生", "研究生", "硕士", "硕士生", "硕士研究生", "博士", "博士生",
        "博士研究生", "留学生",
        "新生", "undergraduate", "postgraduate", "graduate", "pupil",
    ),
    PersonKind.STAFF: (
        "教职工", "教工", "职工", "教师", "老师", "员工", "工作人员", "行政人员", "teacher", "employee",
        "faculty", "lecturer",
    ),
    PersonKind.VISITOR: ("访客", "来访", "来访人员", "临时", "临时人员", "外来人员", "校外人员", "guest", "temporary"),
}  # fmt: skip
_STATES: Mapping[PersonState, tuple[str, ...]] = {
    PersonState.ACTIVE: ("正常", "启用", "有效", "在校", "在读", "在职", "在册", "enabled", "valid", "normal"),
    PersonState.SUSPENDED: ("停用", "暂停", "冻结", "休学", "disabled", "frozen"),
    PersonState.CLOSED: ("注销", "销户", "离校", "离职", "毕业", "退学", "left", "graduated", "cancelled"),
}  # fmt: skip
_WORDS = {
    "kind": {word: kind.value for kind, words in _KINDS.items() for word in (kind.value, *words)},
    "state": {word: state.value for state, words in _STATES.items() for word in (state.value, *words)},
}
_DATE = re.compile(r"([12][0-9]{3})\s*[-/.\u5e74]\s*([0-9]{1,2})\s*[-/.\u6708]\s*([0-9]{1,2})\s*\u65e5?")
_DIGITS = re.compile(r"([12][0-9]{3})([0-9]{2})([0-9]{2})")
_SEPARATORS = re.compile(r"\s*[;；,，、|]\s*")


def to_cell(field: str, text: str) -> str:
    """Return a cell as the list's reader takes it; what is not understood stays, and is refused there."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if field in _WORDS:
        return _WORDS[field].get(plain.casefold(), plain)
    if field in {"valid_from", "valid_until"}:
        found = _DATE.fullmatch(plain) or _DIGITS.fullmatch(plain)
        return "{}-{:0>2}-{:0>2}".format(*found.groups()) if found else plain
    if field == "groups":
        return ";".join(part for part in _SEPARATORS.split(plain) if part)
    return text
