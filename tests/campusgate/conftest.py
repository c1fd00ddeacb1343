"""The whole server with somebody of each role and a device of each kind."""

from collections.abc import Iterator

import pytest

from models.engine import FaceEngine
from tests.campusgate.staffed import Staffed, staffed


@pytest.fixture(scope="module")
def office(engine: FaceEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    with staffed(engine, tmp_path_factory.mktemp("office"), 1) as office:
        yield office
