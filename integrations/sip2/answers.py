"""What is answered to each kind of question, as frames say it; pure."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from integrations.sip2.frames import Message
from integrations.sip2.patrons import Password, Patron

_GOOD: Final = " " * 14
_DENIED: Final = "YYYY"
"""The first four of fourteen: charge, renewal, recall and hold privileges are denied; the fifth: the card is lost."""
_NOT_COUNTED: Final = " " * 24
"""Six counts of items, of which the library alone knows."""
_SUPPORTED: Final = "YNNNYYYYYNNNNNNN"
"""Field BX: patron status, SC status, resend, login, patron information, end of session; the library has the others."""
_ENGLISH: Final = "001"

_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "unknown": ("没有这个人或这张卡，或密码不正确", "Nobody is known by this, or the password is wrong"),
        "password_needed": ("请输入查询密码", "Enter the query password"),
        "first_password": ("请先在手机上修改初始查询密码", "Change the first query password on your phone"),
        "locked": ("密码多次输错，请稍后再试", "Too many wrong tries: wait, then try again"),
        "not_in_use": (
            "校园账户目前不能使用，请联系卡务中心",
            "The campus account cannot be used: ask the card centre",
        ),
        "lost": ("此卡已挂失", "This card was reported lost"),
    }
)


def answer_login(question: Message, *, is_known: bool) -> Message:
    """Answer 93."""
    return Message("94", "1" if is_known else "0", sequence=question.sequence)


def answer_status(question: Message, *, institution: str, is_server_there: bool, now: datetime) -> Message:
    """Answer 99: patrons are looked up here, items are not."""
    on_line = "Y" if is_server_there else "N"
    fixed = f"{on_line}NNNNN100003{write_time(now)}2.00"
    fields = (("AO", institution), ("BX", _SUPPORTED))
    return Message("98", fixed, fields, question.sequence)


def answer_end(question: Message, *, now: datetime) -> Message:
    """Answer 35."""
    fields = (("AO", question.get("AO")), ("AA", question.get("AA")))
    return Message("36", f"Y{write_time(now)}", fields, question.sequence)


def answer_patron(question: Message, patron: Patron, *, now: datetime) -> Message:
    """Answer 23 or 63: the name only of somebody who was identified, `BL` only of who may use the library."""
    language = question.fixed[:3]
    flags = _GOOD if patron.may_borrow else f"{_DENIED}{'Y' if patron.is_card_lost else ' '}{' ' * 9}"
    fields = [("AO", question.get("AO")), ("AA", question.get("AA")), ("AE", patron.name)]
    fields.append(("BL", "Y" if patron.may_borrow else "N"))
    if patron.password is not Password.NOT_GIVEN:
        fields.append(("CQ", "Y" if patron.password is Password.RIGHT else "N"))
    if (says := _say(patron)) is not None:
        fields.append(("AF", _WORDS[says][1 if language == _ENGLISH else 0]))
    counts = _NOT_COUNTED if question.code == "63" else ""
    code = "64" if question.code == "63" else "24"
    return Message(code, f"{flags}{language}{write_time(now)}{counts}", tuple(fields), question.sequence)


def write_time(at: datetime) -> str:
    """Return a time as frames have it: with four blanks for the zone, which is local time."""
    return f"{at:%Y%m%d    %H%M%S}"


def write_amount(fen: int) -> str:
    """Return an amount as fields have it: in whole units, with two decimals."""
    return f"{fen // 100}.{fen % 100:02}"


def _say(patron: Patron) -> str | None:
    match patron.password:
        case Password.FIRST:
            return "first_password"
        case Password.LOCKED:
            return "locked"
        case Password.WRONG:
            return "unknown"
    if not patron.number:
        return "password_needed" if patron.needs_password else "unknown"
    if patron.is_card_lost:
        return "lost"
    return None if patron.may_borrow else "not_in_use"
