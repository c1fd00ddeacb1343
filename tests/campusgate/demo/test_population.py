"""Who stands on the list that the demonstration's registry hands over, with everybody's consent."""

import csv
from pathlib import Path

import pytest
from PIL import Image

from campusgate.demo import population
from campusgate.demo.campus import CARD, PEOPLE, Campus
from campusgate.settings import Settings


def test_the_newcomer_is_on_no_list_that_consents_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population, "portrait", lambda _engine, _path: Image.new("RGB", (8, 10)))
    campus = Campus.fresh(Settings(data_dir=tmp_path))
    photographs = {somebody.photograph or "": tmp_path for somebody in PEOPLE.values()}
    folder = population.write_intake(campus, None, photographs)
    with (folder / "people.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["number"] for row in csv.DictReader(file)}
    newcomer = campus.personas.newcomer
    assert listed == {somebody.number for somebody in PEOPLE.values()} - {newcomer.number}
    assert (newcomer.is_first_password, set(CARD)) == (True, set(PEOPLE))


def test_who_is_on_the_list_consented_to_the_notice_that_the_server_has_in_force(tmp_path: Path) -> None:
    campus = Campus.fresh(Settings(data_dir=tmp_path))
    assert population.make_terms().consent_version == Settings().enrollment.consent_version
    assert not [name for name in campus.environment("server") if "CONSENT_VERSION" in name]
