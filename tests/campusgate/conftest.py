"""The whole server with somebody of each role and a device of each kind."""

from collections.abc import Iterator

import pytest

from models.engine import FaceEngine
from tests.campusgate.staffed import Staffed, staffed


@pytest.fixture(scope="module")
def office(model_store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    with staffed(FaceEngine(model_store, threads=1), tmp_path_factory.mktemp("office"), 1) as office:
        yield office
