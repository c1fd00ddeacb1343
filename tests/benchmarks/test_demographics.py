"""Error rates by group: on made vectors, and on the demonstration's photographs."""

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.demographics import Labelled, by_group, read_labels, run
from models.embedders.registry import DEFAULT_EMBEDDER
from models.store import ModelStore

LIMITS = {"verification": math.cos(math.radians(20))}


def direction(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def labelled(**groups: str) -> Labelled:
    return Labelled({name: [] for name in groups}, groups)


def test_each_group_has_rates_of_its_own() -> None:
    templates = {"ann": direction(0), "bea": direction(90), "carl": direction(180), "dan": direction(190)}
    probes = {
        "ann": [direction(5), direction(40)],  # one found, one missed
        "bea": [direction(95)],
        "carl": [direction(182)],  # also taken for dan
        "dan": [direction(250)],  # missed
    }
    figures = by_group(labelled(ann="women", bea="women", carl="men", dan="men"), templates, probes, LIMITS)
    women, men = figures["women"]["verification"], figures["men"]["verification"]
    assert (women["fnmr"], women["mated"]) == (pytest.approx(1 / 3), 3)
    assert (women["fmr"], women["nonmated"]) == (0.0, 3)
    assert women["fmr_interval"] == [0.0, 1.0]  # three divided by three comparisons
    assert (men["fnmr"], men["fmr"], men["nonmated"]) == (0.5, 0.5, 2)
    assert figures["women"]["people"] == 2


def test_a_group_in_which_nobody_was_missed_is_not_called_sure() -> None:
    names = [f"p{number}" for number in range(10)]
    templates = {name: direction(36 * number) for number, name in enumerate(names)}
    probes = {name: [vector, vector] for name, vector in templates.items()}
    rates = by_group(Labelled({}, dict.fromkeys(names, "all")), templates, probes, LIMITS)["all"]["verification"]
    assert (rates["fnmr"], rates["fnmr_interval"]) == (0.0, [0.0, 0.3]), "ten people, though twenty probes"


def test_strangers_of_other_groups_are_not_compared() -> None:
    templates = {"ann": direction(0), "carl": direction(1)}
    figures = by_group(
        labelled(ann="women", carl="men"), templates, {"ann": [direction(0)], "carl": [direction(1)]}, LIMITS
    )
    assert figures["women"]["verification"]["nonmated"] == figures["men"]["verification"]["nonmated"] == 0
    assert figures["men"]["verification"]["fmr"] is None


def test_a_group_without_probes_has_no_rates() -> None:
    assert by_group(labelled(ann="women"), {"ann": direction(0)}, {}, LIMITS) == {"women": {"people": 1}}


def test_an_interval_holds_the_rate_and_narrows_with_more_people() -> None:
    random = np.random.default_rng(4)

    def width(people: int) -> float:
        names = [f"p{number}" for number in range(people)]
        templates = {name: direction(angle) for name, angle in zip(names, random.uniform(0, 360, people), strict=True)}
        probes = {name: [direction(0)] for name in names}
        rates = by_group(Labelled({}, dict.fromkeys(names, "all")), templates, probes, LIMITS)["all"]["verification"]
        low, high = rates["fnmr_interval"]
        assert low <= rates["fnmr"] <= high
        assert rates["fmr_interval"][0] <= rates["fmr"] <= rates["fmr_interval"][1]
        return high - low

    assert width(400) < width(40)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,person\na.jpg,ann\n", "no column 'group'"),
        ("image,person,group\na.jpg,ann,\n", r"labels.csv:2 names no image, person or group"),
        ("image,person,group\nb.jpg,ann,women\n", r"labels.csv:2: .*b.jpg is not there"),
        ("image,person,group\na.jpg,ann,women\na.jpg,ann,men\n", r"labels.csv:3: ann stands in two groups"),
        ("image,person,group\n", "names no image"),
        ("", "no column 'image'"),
    ],
)
def test_a_file_of_labels_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(SystemExit, match=message):
        read_labels(tmp_path / "labels.csv")


def test_real_photographs_are_measured_at_the_gates_thresholds(
    photographs: dict[str, Path], model_store: ModelStore, tmp_path: Path
) -> None:
    people = {"wang": "north", "wang-again": "north", "stranger": "north", "li": "south", "wang-at-the-gate": "north"}
    lines = [
        f"{photographs[name]},{'wang' if name.startswith('wang') else name},{group}" for name, group in people.items()
    ]
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["image,person,group", *lines, f"{photographs['li']},li,south"]))
    report = run(labels, Path("/"), DEFAULT_EMBEDDER, people=300, threads=1)
    north, south = (report.figures["groups"][group] for group in ("north", "south"))
    assert report.met
    assert report.figures["faces_missed"] == 0
    for at in ("verification", "identification"):
        assert (north[at]["mated"], north[at]["nonmated"], north[at]["fnmr"], north[at]["fmr"]) == (2, 2, 0.0, 0.0)
        assert south[at]["fnmr"] == 0.0
    assert north["identification"]["threshold"] > north["verification"]["threshold"]
