"""A gate's computer runs the models whose weights it has, the campus's first."""

from pathlib import Path

import pytest

from campusgate.wiring.gate_engines import load_gate_engines
from models.embedders.registry import EMBEDDERS
from models.store import ModelError, ModelMissingError, ModelStore

ALONE, BOTH = EMBEDDERS["mobilefacenet"].model_id, EMBEDDERS["mobilefacenet+sface"].model_id


class Lacking:
    """A store in which some models were never installed."""

    def __init__(self, store: ModelStore, *missing: str) -> None:
        self._store, self._missing = store, missing

    def path(self, name: str) -> Path:
        if name in self._missing:
            raise ModelMissingError(f"the model {name} is not installed")
        return self._store.path(name)


def test_a_model_is_loaded_when_it_is_needed_and_shares_the_detectors(model_store: ModelStore) -> None:
    engines = load_gate_engines(model_store, "mobilefacenet", threads=1)
    assert engines.runnable[0] == ALONE == engines.first.model_id
    assert BOTH in engines.runnable
    assert engines.get(BOTH) is None
    other = engines.load(BOTH)
    assert (other.model_id, other.dimension) == (BOTH, EMBEDDERS["mobilefacenet+sface"].dimension)
    assert other.detect.__self__ is other
    assert other._full_range is engines.first._full_range  # type: ignore[attr-defined]


def test_without_the_weights_of_the_campus_s_model_a_gate_goes_on_with_what_it_has(model_store: ModelStore) -> None:
    engines = load_gate_engines(Lacking(model_store, "sface-int8"), "mobilefacenet+sface", threads=1)
    assert engines.first.model_id != BOTH
    assert BOTH not in engines.runnable


def test_a_computer_without_any_weights_says_which_are_missing(model_store: ModelStore) -> None:
    lacking = Lacking(model_store, *{model for kind in EMBEDDERS.values() for model in kind.models})
    with pytest.raises(ModelError, match="is not installed"):
        load_gate_engines(lacking, "mobilefacenet+sface", threads=1)
