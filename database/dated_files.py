"""Files that are written again and again into one folder, named by their time; only the newest stay."""

from datetime import UTC, datetime
from pathlib import Path

_PREFIX = "campusgate-"
_TIME = "%Y%m%dT%H%M%SZ"


def name_in(folder: Path, suffix: str, now: datetime) -> Path:
    """Return the name of a file of this moment; by name they stand in the order of their times."""
    return folder / f"{_PREFIX}{now.astimezone(UTC):{_TIME}}{suffix}"


def forget_older(folder: Path, suffix: str, *, keep: int) -> list[Path]:
    """Delete all but the newest `keep` (at least one) with what lies beside them under their name; return them."""
    if keep < 1:
        raise ValueError("at least one is kept")
    found = sorted(one for one in folder.glob(f"{_PREFIX}*{suffix}") if _is_dated(one, suffix))
    older = found[:-keep]
    for one in older:
        for beside in folder.glob(f"{one.name}*"):
            beside.unlink(missing_ok=True)
    return older


def _is_dated(file: Path, suffix: str) -> bool:
    try:
        datetime.strptime(file.name.removeprefix(_PREFIX).removesuffix(suffix), _TIME).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
