"""Two builds measured in turns: which way is better, and what the pairs say."""

from pathlib import Path

import pytest

from benchmarks import against
from benchmarks.against import CheckoutUnusableError, Compared


@pytest.mark.parametrize(
    ("name", "less"),
    [
        ("sqlite_http_spread_per_s", False),
        ("postgresql_http_spread_to_pgbench", False),
        ("sqlite_http_spread_p99_ms", True),
        ("tap_to_relay_ms_p50", True),
        ("processor_s", True),
        ("memory_mb_busy", False),
        ("peak_mb", True),
    ],
)
def test_what_is_better_follows_from_a_figures_name(name: str, less: bool) -> None:
    assert against.is_less_better(name) is less


def test_ratios_are_those_of_the_pairs_and_above_one_where_this_build_is_better() -> None:
    rate = Compared("a_per_s", before=[100, 50, 200], now=[400, 250, 600])
    time = Compared("a_ms", before=[8, 4, 2], now=[2, 2, 4])
    assert (rate.ratios(), time.ratios()) == ([4, 5, 3], [4, 2, 0.5])
    report = against.make_report("payments", [rate, time], {"a_per_s": 4.5, "a_ms": 2, "b_ms": 1})
    assert report.ratios == {"a_per_s": 4, "a_ms": 2}
    assert report.figures["a_per_s"]["ratio"] == "4.00 (3.00 to 5.00, 3 pairs)"
    assert [one.met for one in report.budgets] == [False, True, False], "what was not measured is not met"


def test_a_folder_that_is_no_checkout_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckoutUnusableError, match="git worktree add"):
        against.compare(tmp_path, "payments", [], 1)


def test_both_builds_run_in_turns_and_each_with_its_own_rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "__init__.py").touch()
    places: list[bool] = []

    def run(place: Path, name: str, arguments: list[str]) -> dict[str, float]:
        assert (name, arguments) == ("payments", ["--seconds", "1"])
        assert (place / "benchmarks").resolve() == against.HERE / "benchmarks", "measured by this build's"
        is_now = (place / "accounts").resolve() == against.HERE / "accounts"
        places.append(is_now)
        return {"a_per_s": 4.0 if is_now else 1.0, "seconds": 1.0, "new_ms": 1.0} if is_now else {"a_per_s": 1.0}

    monkeypatch.setattr(against, "run", run)
    (only,) = against.compare(tmp_path, "payments", ["--seconds", "1"], 2)
    assert places == [False, True, True, False]
    assert (only.name, only.before, only.now) == ("a_per_s", [1, 1], [4, 4])
