"""Every word the pages can come to say is written in both languages."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

import campusgate.processes.server.app  # noqa: F401 - with every room whose problems a page may show
from access.policy import Mode
from access.reasons import Notice, Reason
from access.snapshot import CredentialKind
from console import texts
from console.sign_in_cookies import LostCookies
from console.texts import TEXTS
from directory.dry_run import Shown
from edge.camera import Condition, FeedStatus
from edge.covering import Covering
from edge.liveness import Cue
from enrollment.quality import Verdict
from enrollment.quality.rules import RULES
from enrollment.quality.rules.readable import READABLE
from enrollment.reasons import REASONS
from enrollment.tables import PhotoState
from gate_controller.card_authentication import ProofRefusal
from gate_controller.code_authentication import CodeRefusal
from gate_controller.signals import Authority, BarrierMode
from gate_controller.supervision import LoopState
from messages import Action, CommandEffect, DoorStatus, EventKind, Method, NotSent, ProcessStatus, Refusal
from metering.billing import disputes as charge_disputes
from metering.billing.reconciliation import Finding
from metering.readings.values import Doubt
from metering.rooms.calendar_series import UnitState
from metering.sessions import disputes as sessions_disputes
from metering.sessions.reading import Doubt as SessionDoubt
from metering.supply.rules import LiftedBy
from metering.supply.states import MeterOrderState, RequestAction, RequestState
from metering.supply.view import Advice
from metering.supply.warnings import NoticeKind
from metering.tariffs.electricity import QuotaExpiry, QuotaShare, QuotaWindow
from metering.vocabulary import (
    MeterAction,
    ReadingQuality,
    ReadingSource,
    SessionRefusal,
    SessionState,
    StopReason,
    SupplyState,
    TripReason,
    Utility,
)
from operations.alarms.rules import NOTED, AlarmKind, Severity
from operations.orders import ORDERS
from tests.console import reported
from web import problems

ROOM = Path(texts.__file__).parent
RULE_NAMES = [READABLE, *(rule.name for rule in RULES)]


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ("door", DoorStatus),
        ("presence", ProcessStatus),
        ("method", Method),
        ("shown", Shown),
        ("shown", [*get_args(CredentialKind), "face"]),
        ("mode", Mode),
        ("alarm", AlarmKind),
        ("severity", Severity),
        ("effect", CommandEffect),
        ("order", ORDERS),
        ("problem", [problem.code for problem in problems.list_known()]),
        ("problem", LostCookies),
        ("kind", EventKind),
        ("reason", [*Reason, *Notice, *Refusal, *ProofRefusal, *CodeRefusal, *Covering, *NOTED]),
        ("reason", [one for one in (*Condition, *ProcessStatus) if one not in {"good", "online"}]),
        ("reason", [LoopState.CUT, LoopState.SHORT]),
        ("reason", [*NotSent, CommandEffect.NO_ANSWER]),
        ("explain", [*Reason, *Refusal, *ProofRefusal, *CodeRefusal, *Covering]),
        ("explain", [*NotSent, CommandEffect.NO_ANSWER]),
        ("value", [*FeedStatus, *Condition, *ProcessStatus, *Cue, *Authority, *BarrierMode]),
        ("rule", RULE_NAMES),
        ("measure", RULE_NAMES),
        ("state", PhotoState),
        ("verdict", Verdict),
        ("fault", [*RULE_NAMES, *REASONS]),
        ("trip_reason", TripReason),
        ("lifted_by", LiftedBy),
        ("supply_state", SupplyState),
        ("supply_advice", Advice),
        ("supply_action", RequestAction),
        ("supply_request", RequestState),
        ("meter_action", MeterAction),
        ("meter_order", MeterOrderState),
        ("reading_source", ReadingSource),
        ("reading_quality", ReadingQuality),
        ("reading_doubt", Doubt),
        ("session_doubt", SessionDoubt),
        ("stop_reason", StopReason),
        ("day_finding", Finding),
        ("session", SessionState),
        ("session_refusal", SessionRefusal),
        ("utility", Utility),
        ("dispute", [*sessions_disputes.WaterDisputeState, *charge_disputes.DisputeState]),
        ("unit", UnitState),
        ("supply", SupplyState),
        ("advice", Advice),
        ("application", RequestState),
        ("room_notice", NoticeKind),
        ("tier_window", QuotaWindow),
        ("quota_expiry", QuotaExpiry),
        ("usage", [f"quota_{share}" for share in QuotaShare]),
    ],
)
def test_every_code_has_its_words(table: str, codes: object) -> None:
    assert [code for code in codes if f"{table}.{code}" not in TEXTS] == []


@pytest.mark.parametrize(
    ("table", "codes_in"),
    [
        ("reason", reported.reasons),
        ("explain", reported.refusals),
        ("figure", reported.figures),
        ("value", reported.values),
        ("wire", reported.wires),
    ],
)
def test_every_code_in_the_sources_has_its_words(table: str, codes_in: Callable[[], set[str]]) -> None:
    codes = codes_in()
    assert codes
    assert {code for code in codes if f"{table}.{code}" not in TEXTS} == set()


def test_no_key_has_words_twice() -> None:
    files = [tomllib.loads(path.read_text(encoding="utf-8")) for path in (ROOM / "words").glob("*.toml")]
    keys = Counter(key for file in files for key, _ in texts._flatten(file))
    assert [key for key, number in keys.items() if number > 1] == []


def test_every_action_staff_can_choose_is_explained() -> None:
    assert {f"order.explain_{action}" for action in ORDERS} <= set(TEXTS)
    assert Action.DENY not in ORDERS


def test_every_key_that_a_page_or_a_script_names_exists() -> None:
    named = set()
    for path in (ROOM / "templates").rglob("*.html"):
        named |= set(re.findall(r"""\bt\(["']([\w.]+)["']\)""", path.read_text(encoding="utf-8")))
    for path in (ROOM / "static").rglob("*.js"):
        named |= set(re.findall(r"""\b(?:text|filled)\("([\w.]+)"[,)]""", path.read_text(encoding="utf-8")))
        for asked in re.findall(r"""\bconfirm\("([\w.]+)",""", path.read_text(encoding="utf-8")):
            named |= {asked, f"{asked}_title", f"{asked}_lead"}
    assert len(named) > 50
    assert named - set(TEXTS) == set()


NO_SPACE = {"punctuation.space"}
"""What Chinese leaves out."""


def test_chinese_is_chinese_and_english_is_english() -> None:
    assert {key for key, (chinese, _) in TEXTS.items() if not re.search(r"[一-鿿、：；（]", chinese)} == NO_SPACE
    assert [key for key, (_, english) in TEXTS.items() if re.search(r"[一-鿿]", english)] == []


@pytest.mark.parametrize(
    ("header", "chosen"),
    [(None, "zh"), ("", "zh"), ("en-GB,en;q=0.9", "en"), ("fr, en;q=0.5", "en"), ("zh-CN", "zh"), ("fr", "zh")],
)
def test_the_readers_browser_chooses(header: str | None, chosen: str) -> None:
    assert texts.negotiate_language(header) == chosen


def test_an_unknown_code_stays_readable() -> None:
    assert texts.translator("en")("reason.out_of_paper") == "out of paper"
