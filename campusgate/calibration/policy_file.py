"""The calibration in a gate's policy file, beside what somebody wrote there by hand."""

import re
from pathlib import Path

from campusgate.calibration.study import Study
from campusgate.settings.edge_policy_file import PolicyFileError, read_policy

_TABLE = re.compile(r"^\[calibration\]\n(?:(?!\[).*\n?)*", re.MULTILINE)
_FPIR = re.compile(r"^fpir\s*=.*\n?", re.MULTILINE)


def write_calibration(path: Path, study: Study, made_at: str) -> None:
    """Put the wanted rate and the calibration into the file, and leave everything else as it is.

    Raises:
        PolicyFileError: the file is no policy, or cannot be written.
    """
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if before:
            read_policy(path)
        kept = _FPIR.sub("", _TABLE.sub("", before)).strip("\n")
        points = "".join(f"  [{rate:g}, {threshold:g}],\n" for rate, threshold in study.points())
        table = (
            f"[calibration]\n# {made_at}, {study.people} people, {len(study.passages.strangers)} passages\n"
            f'model = "{study.model_id}"\npoints = [\n{points}]\n'
        )
        parts = (f"fpir = {study.fpir:g}", kept, table)
        path.write_text("\n\n".join(part for part in parts if part), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyFileError(f"{path} cannot be written: {error}") from error
    read_policy(path)
