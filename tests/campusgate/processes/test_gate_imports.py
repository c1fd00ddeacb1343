"""A gate's computer is small: what its processes import stays in its memory for years."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("process", "not_needed"),
    [
        ("edge", {"sqlalchemy", "alembic", "fastapi", "uvicorn", "starlette", "directory"}),
        ("controller", {"sqlalchemy", "alembic", "fastapi", "uvicorn", "starlette", "numpy", "cv2", "onnxruntime"}),
    ],
    ids=["edge", "controller"],
)
def test_a_gates_process_imports_no_database_and_no_server(process: str, not_needed: set[str]) -> None:
    code = f"import sys, campusgate.cli, campusgate.processes.{process}; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "database.sealing" in imported
    assert not {name for name in imported if "." not in name} & not_needed
