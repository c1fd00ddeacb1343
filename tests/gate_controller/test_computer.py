"""What is known of the gate computer."""

from pathlib import Path

from gate_controller.computer import disk_free_mb, temperature_c


def test_the_warmest_zone_counts_and_what_cannot_be_read_does_not(tmp_path: Path) -> None:
    assert temperature_c(tmp_path) is None
    for number, text in enumerate(("41000", "51500", "nonsense")):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "temp").write_text(text)
    assert temperature_c(tmp_path) == 51.5


def test_how_much_disk_is_left(tmp_path: Path) -> None:
    free = disk_free_mb(tmp_path)
    assert free is not None
    assert free > 0
    assert disk_free_mb(tmp_path / "nowhere") is None
