"""What is installed where no checkout is: `setup` copies files that the package brings."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_LIST = """
from setuptools import Distribution
made = Distribution()
made.parse_config_files()
made.include_package_data = False
command = made.get_command_obj("build_py")
command.ensure_finalized()
for package, folder, _, names in command.data_files:
    for name in names:
        print(f"{folder}/{name}")
"""


def test_every_file_of_the_packages_is_installed_with_them() -> None:
    """By setuptools itself, which leaves out what no pattern of `package-data` fits."""
    listed = subprocess.run([sys.executable, "-c", _LIST], cwd=ROOT, capture_output=True, text=True, check=True)
    installed = {Path(line) for line in listed.stdout.splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["packages"]["find"]["include"]
    files = {
        path.relative_to(ROOT)
        for pattern in patterns
        for room in ROOT.glob(pattern)
        if (room / "__init__.py").exists()
        for path in room.rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    assert Path("deploy/systemd/campusgate-backup.timer") in files
    assert files - installed == set()
