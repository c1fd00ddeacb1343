"""The object that every benchmark prints."""

import json

import pytest

from benchmarks.report import Report, budget, present


def report(got: float) -> Report:
    return Report(
        "engine",
        {"frame_ms": 12.3456789, "nested": {"faces": 1}},
        budgets=[budget("ratio", got, "at least", 8)],
        peers={"other": {"frame_ms": 100.0}},
        ratios={"other": 8.1},
    )


@pytest.mark.parametrize(("got", "code"), [(8.0, 0), (7.99, 1), (float("nan"), 1)])
def test_a_missed_budget_is_told_and_fails_the_program(
    got: float, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert present(report(got), as_json=True) == code
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"benchmark", "figures", "peers", "ratios", "budgets", "machine"}
    assert printed["budgets"][0].keys() == {"what", "budget", "got", "met"}
    assert printed["budgets"][0]["met"] is (code == 0)
    assert printed["figures"]["frame_ms"] == 12.3457
    assert printed["machine"]["cores"] >= 1


def test_without_json_the_same_figures_are_readable(capsys: pytest.CaptureFixture[str]) -> None:
    present(report(9), as_json=False)
    printed = capsys.readouterr().out
    for text in ("frame_ms", "12.3457", "nested · faces", "other", "ratio at least", "yes"):
        assert text in printed


def test_a_budget_can_be_an_upper_limit() -> None:
    assert budget("FNIR", 0.07, "at most", 0.07).met
    assert not budget("FNIR", 0.0701, "at most", 0.07).met
