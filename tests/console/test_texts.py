"""Every word the pages can come to say is written in both languages."""

import re
from pathlib import Path

import pytest

from access.policy import Mode
from access.reasons import Notice, Reason
from accounts.passwords import PasswordLockedError, PasswordWrongError, WeakPasswordError
from accounts.people import AccountNotUsableError
from accounts.sign_in import SignInRefusedError
from console import texts
from console.texts import TEXTS
from directory.dry_run import Shown
from edge.camera import Condition
from edge.covering import Covering
from edge.journal import CAMERA_CLEAR, CAMERA_IMPAIRED, FACE_GRANTED, MODEL_MISMATCH
from enrollment.api.files import LengthRequiredError, NoFileError, PhotoTooLargeError, PhotoUnreadableError
from enrollment.consent import ConsentMissingError, ConsentVersionError
from enrollment.lifecycle import StepError
from enrollment.photos import NoTemplateError
from enrollment.quality import Verdict
from enrollment.quality.rules import RULES
from enrollment.quality.rules.readable import READABLE
from enrollment.reasons import REASONS
from enrollment.review import AlreadyClaimedError, NotClaimedError, OwnPhotoError, UnknownReasonError
from enrollment.tables import PhotoState
from gate_controller.messages import Action, DoorStatus, EventKind, Method, Presence, Refusal
from operations.alarms.register import AlarmNotOpenError
from operations.alarms.rules import AlarmKind, Severity
from operations.dispatch import Effect
from operations.order_desk import OrdersNotPossibleError
from operations.orders import ORDERS, EmptyOrderError, OrderNotWaitingError, SecondPersonNeededError
from web.rate_limits import TooManyTriesError

ROOM = Path(texts.__file__).parent
RULE_NAMES = [READABLE, *(rule.name for rule in RULES)]
PROBLEMS = (
    AlarmNotOpenError,
    OrdersNotPossibleError,
    EmptyOrderError,
    OrderNotWaitingError,
    SecondPersonNeededError,
    AccountNotUsableError,
    PasswordLockedError,
    PasswordWrongError,
    WeakPasswordError,
    SignInRefusedError,
    TooManyTriesError,
    PhotoUnreadableError,
    PhotoTooLargeError,
    LengthRequiredError,
    NoFileError,
    ConsentMissingError,
    ConsentVersionError,
    StepError,
    NoTemplateError,
    AlreadyClaimedError,
    NotClaimedError,
    OwnPhotoError,
    UnknownReasonError,
)


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ("door", DoorStatus),
        ("presence", Presence),
        ("method", Method),
        ("shown", Shown),
        ("mode", Mode),
        ("alarm", AlarmKind),
        ("severity", Severity),
        ("effect", Effect),
        ("order", ORDERS),
        ("problem", [problem.code for problem in PROBLEMS]),
        ("kind", [*EventKind, FACE_GRANTED, CAMERA_IMPAIRED, CAMERA_CLEAR, MODEL_MISMATCH]),
        ("reason", [*Reason, *Notice, *Refusal, *(one for one in Condition if one != "good"), *Covering]),
        ("explain", [*Reason, *Refusal, *Covering]),
        ("rule", RULE_NAMES),
        ("measure", RULE_NAMES),
        ("state", PhotoState),
        ("verdict", Verdict),
        ("shown_reason", [reason for reason in REASONS if reason not in RULE_NAMES]),
    ],
)
def test_every_code_has_its_words(table: str, codes: object) -> None:
    assert [code for code in codes if f"{table}.{code}" not in TEXTS] == []


def test_every_action_staff_can_choose_is_explained() -> None:
    assert {f"order.explain_{action}" for action in ORDERS} <= set(TEXTS)
    assert Action.DENY not in ORDERS


def test_every_key_that_a_page_or_a_script_names_exists() -> None:
    named = set()
    for path in (ROOM / "templates").glob("*.html"):
        named |= set(re.findall(r"""\bt\(["']([\w.]+)["']\)""", path.read_text(encoding="utf-8")))
    for path in (ROOM / "static").glob("*.js"):
        named |= set(re.findall(r"""\b(?:text|filled)\("([\w.]+)"[,)]""", path.read_text(encoding="utf-8")))
        for asked in re.findall(r"""\bconfirm\("([\w.]+)",""", path.read_text(encoding="utf-8")):
            named |= {asked, f"{asked}_title", f"{asked}_lead"}
    assert len(named) > 50
    assert named - set(TEXTS) == set()


def test_chinese_is_chinese_and_english_is_english() -> None:
    assert [key for key, (chinese, _) in TEXTS.items() if not re.search(r"[一-鿿、]", chinese)] == []
    assert [key for key, (_, english) in TEXTS.items() if re.search(r"[一-鿿]", english)] == []


@pytest.mark.parametrize(
    ("header", "chosen"),
    [(None, "zh"), ("", "zh"), ("en-GB,en;q=0.9", "en"), ("fr, en;q=0.5", "en"), ("zh-CN", "zh"), ("fr", "zh")],
)
def test_the_readers_browser_chooses(header: str | None, chosen: str) -> None:
    assert texts.language(header) == chosen


def test_an_unknown_code_stays_readable() -> None:
    assert texts.translator("en")("reason.out_of_paper") == "out of paper"
