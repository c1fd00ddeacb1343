"""One server that was set up by commands, for all tests of setting up."""

from collections.abc import Iterator

import pytest

from tests.campusgate.setup.installed import Installed, running, set_up


@pytest.fixture(scope="package")
def server(model_store, imported_rooms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with running(set_up(tmp_path_factory.mktemp("machine"))) as place:
        yield place
