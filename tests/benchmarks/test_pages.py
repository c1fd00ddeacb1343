"""What is kept of a look at every page: it goes on where it was cut off, and one broken page ends nothing."""

import argparse
from pathlib import Path

from benchmarks.page_addresses import Address, Addresses
from benchmarks.page_records import Records
from benchmarks.page_survey import FOUND, Survey, note_opened
from benchmarks.pages import summarise


def break_down() -> dict[str, object]:
    raise RuntimeError("the page crashed\nTarget closed")


def never_asked() -> dict[str, object]:
    raise AssertionError("it was done already")


def survey_into(records: Records) -> Survey:
    return Survey(None, None, argparse.Namespace(), records)  # type: ignore[arg-type]


def test_answers_outlive_a_run_that_was_cut_off_within_a_line(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    records = Records.open(file, resume=False)
    records.add(("looks", "主页", "zh"), {"findings": []})
    with file.open("a", encoding="utf-8") as lines:
        lines.write('[["looks", "主')
    again = Records.open(file, resume=True)
    assert again.known == {("looks", "主页", "zh"): {"findings": []}}
    again.add(("loading", "主页"), {"lcp_ms": 900.0})
    assert Records.open(file, resume=True).of("loading") == {("主页",): {"lcp_ms": 900.0}}
    assert Records.open(file, resume=False).known == {}


def test_what_breaks_at_one_page_is_told_and_the_next_is_done() -> None:
    records = Records()
    survey = survey_into(records)
    survey.note(("loading", "broken"), break_down)
    survey.note(("loading", "whole"), lambda: {"lcp_ms": 2100.0, "bytes": 5})
    survey.note(("loading", "whole"), never_asked)
    records.add(FOUND, {"pages": 2, "missed": []})
    figures, budgets = summarise(records)
    assert figures["failed"] == {"loading broken": "RuntimeError: the page crashed Target closed"}
    assert figures["loading"] == {"whole": {"lcp_ms": 2100.0, "bytes": 5}}
    assert {one.what: one.met for one in budgets} == {
        "pages not opened at most": True,
        "findings at most": True,
        "failed at most": False,
        "LCP ms at most": False,
        "bytes of a first visit at most": True,
    }


def test_a_page_that_refused_somebody_was_not_opened_there() -> None:
    addresses = Addresses.of_the_application()
    looks = [
        {"path": "/console/gates", "part": "resident", "status": 403},
        {"path": "/console/gates/nowhere", "part": "guard", "status": 404},
        {"path": "/console/me/security/limits", "part": "resident", "status": 422},
        {"path": "/console/wall", "part": "guard", "status": 200},
        {"path": None, "part": "guard", "status": None},
    ]
    note_opened(addresses, looks)
    assert set(addresses.found) <= {"/console/me/security/limits", "/console/wall"}
    assert addresses.found["/console/wall"] == [Address("/console/wall", "guard")]


def test_findings_and_what_moves_are_told_by_page_and_width() -> None:
    records = Records()
    finding = {"page": "wall", "look": "zh phone light", "what": "target-size"}
    records.add(("looks", "wall", "zh"), {"findings": [finding], "path": "/console/wall", "part": "guard"})
    records.add(("shifts", "wall", "360"), {"wall": {"shift": 0.2, "moved": ["0.2 li"]}})
    figures, budgets = summarise(records)
    assert figures["findings"] == [finding]
    assert figures["moved"] == {"wall 360": ["0.2 li"]}
    assert not next(one for one in budgets if one.what.startswith("layout shift")).met
    assert not next(one for one in budgets if one.what.startswith("pages not opened")).met, "nothing was found"
