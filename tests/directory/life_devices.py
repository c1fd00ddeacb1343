"""Five gates of several cuts, and a device at each, whose line may break and whose file may be an older one."""

import shutil
from typing import Any

import httpx

from access.policy import Mode
from access.replica import DirectorySync, Replica
from access.snapshot import View
from accounts import devices
from accounts.vocabulary import DeviceRole
from tests.databases import CREDENTIAL_KEY
from tests.directory.conftest import MODEL, Campus

OLD, NEW = MODEL, "test-model-2"
GATES: dict[str, tuple[View, tuple[str, ...], Mode]] = {
    "east": ("full", ("students",), Mode.FACE_OR_CARD),
    "north": ("full", ("students",), Mode.FACE_OR_CARD),
    "west": ("full", ("students", "teachers"), Mode.FACE_OR_CARD),
    "south": ("cards", ("students",), Mode.FACE_OR_CARD),
    "store": ("cards", ("teachers",), Mode.CARD),
}
"""View of the device, entitled groups and mode of each gate in the beginning."""


class Line:
    """The way to the server, which may break after some answers."""

    def __init__(self, client: Any) -> None:
        self._client, self.left = client, 10**9

    def get(self, url: str, **given: Any) -> httpx.Response:
        return self._pass(self._client.get, url, given)

    def post(self, url: str, **given: Any) -> httpx.Response:
        return self._pass(self._client.post, url, given)

    def _pass(self, ask: Any, url: str, given: dict[str, Any]) -> httpx.Response:
        if self.left <= 0:
            raise httpx.ConnectError("cut")
        self.left -= 1
        return ask(url, **given)

    def close(self) -> None:
        pass


class Device:
    def __init__(self, campus: Campus, gate: str, page_limit: int) -> None:
        self.campus, self.gate, self.view = campus, gate, GATES[gate][0]
        self.page_limit = page_limit
        self.runs = [OLD, NEW] if gate != "north" else [OLD]
        self.path = campus.folder / f"device-{gate}.db"
        self.saved = campus.folder / f"saved-{gate}.db"
        role = DeviceRole.EDGE if self.view == "full" else DeviceRole.CONTROLLER
        with campus.database.begin() as session:
            device, self.token = devices.add(
                session, name=f"device of {gate}", role=role, gate=gate, by="system", now=campus.clock.now
            )
            self.id = device.id
        self.line = Line(campus.client)
        self.open()

    def open(self) -> None:
        self.replica = Replica(self.path, self.campus.sealer, gate=self.gate, models=(OLD, NEW), view=self.view)
        self.sync = DirectorySync(
            "http://testserver",
            self.gate,
            self.token,
            self.replica,
            page_limit=self.page_limit,
            credential_key=CREDENTIAL_KEY,
            client=self.line,
            models=lambda: self.runs,  # type: ignore[arg-type]
        )

    def save(self) -> None:
        self.replica.close()
        shutil.copyfile(self.path, self.saved)
        self.open()

    def restore(self) -> None:
        if self.saved.exists():
            self._remove()
            shutil.copyfile(self.saved, self.path)
            self.open()

    def begin_anew(self) -> None:
        self._remove()
        self.open()

    def _remove(self) -> None:
        self.replica.close()
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
