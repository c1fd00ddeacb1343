"""Networks as processes load them: what ONNX Runtime does beside."""

import subprocess
import sys
from pathlib import Path

_LOADS_A_NETWORK = """
import sys
from pathlib import Path
from models.runtime import Network
Network(Path(sys.argv[1]), threads=1)
"""


def test_a_process_that_loads_a_network_gathers_nothing_for_its_maker(model_store, tmp_path: Path) -> None:
    """ONNX Runtime 1.32 for Linux writes an id of the machine and a database of events below the home folder."""
    command = [sys.executable, "-c", _LOADS_A_NETWORK, str(model_store.path("blazeface-short-range"))]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, env=environment, check=True, cwd=Path(__file__).parents[2])
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == []
