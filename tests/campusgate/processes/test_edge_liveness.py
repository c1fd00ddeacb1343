"""An edge without the network that tells prints from people does not start, unless its gate does without."""

from dataclasses import replace
from pathlib import Path

import pytest

from campusgate.processes.edge import EdgeOptions, _load_liveness
from edge.liveness import LivenessPolicy
from edge.policy import EdgePolicy
from edge.recognition import RecognitionPolicy
from models.store import ModelMissingError, ModelStore

OPTIONS = EdgeOptions("0", EdgePolicy())
CUES_ALONE = EdgePolicy(recognition=RecognitionPolicy(liveness=LivenessPolicy(networks=False)))


def test_a_missing_network_is_named_with_both_ways_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"models install fr-liveness .*networks = false"):
        _load_liveness(ModelStore(tmp_path), OPTIONS, 1)


@pytest.mark.parametrize("options", [replace(OPTIONS, liveness=False), replace(OPTIONS, policy=CUES_ALONE)])
def test_a_gate_that_does_without_needs_none(tmp_path: Path, options: EdgeOptions) -> None:
    assert _load_liveness(ModelStore(tmp_path), options, 1) is None


def test_an_installed_network_is_asked(model_store: ModelStore) -> None:
    loaded = _load_liveness(model_store, OPTIONS, 1)
    assert loaded is not None
    assert loaded.names[0] == "fr-liveness"
