"""The benchmark of the directory runs, over a few people."""

from benchmarks.directory import measure


def test_everybody_arrives_and_whoever_is_suspended_is_refused() -> None:
    report = measure(people=40, revocations=2)
    assert report.figures["people"] == 40
    assert report.figures["revocations"] == 2
    assert all(each.got > 0 for each in report.budgets)
