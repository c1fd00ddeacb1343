"""What gates at rest cost the server: the questions of their devices for changes and for passages of their zone.

    python -m benchmarks.polls [--gates N] [--seconds S] [--json]

The real server on SQLite in a process of its own. A device of this build, an edge's, comes into step over HTTP; then
wrk asks what it would ask, one question after the other, and the server's processor time for one is taken. How often a
device asks while hints arrive, and for passages while the server tells how the zone stands, is its own word; what that
telling costs the server, all gates in one zone, is counted (`heartbeats_ms`, of each round). `core_ms_a_second_ms` is
what the two devices of each gate come to.
"""

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from benchmarks.directory import Campus, Keys
from benchmarks.polls_heartbeats import ZONE, heartbeats_ms, presence_every_s
from benchmarks.report import Report, present
from benchmarks.server_process import CREDENTIAL_KEY, ServerProcess, serving
from benchmarks.wrk import press
from tests.doubles.processes import quiet

_PEOPLE, _GATES = 200, 20
_DEVICES = 2


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.polls", description=__doc__)
    parser.add_argument("--gates", type=int, default=500, help="of the campus whose share of a core is told")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long wrk asks each question")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.gates < 1 or given.seconds <= 0:
        parser.error("gates and seconds must be positive")
    quiet()
    return present(measure(given.gates, given.seconds), as_json=given.json)


def measure(gates: int, seconds: float) -> Report:
    """Return what one question costs, and what so many gates come to."""
    with tempfile.TemporaryDirectory(prefix="campusgate-polls-") as name:
        folder = Path(name)
        keys = Keys(CREDENTIAL_KEY, os.urandom(32))
        url = f"sqlite:///{folder / 'server.db'}"
        campus = Campus(url, _PEOPLE, [f"gate-{number:04}" for number in range(_GATES)], keys=keys)
        _add_zone(campus)
        campus.publish()
        campus.database.close()
        with serving(folder, url, template_key=keys.templates) as server:
            changes, interval_s = _come_into_step(server, campus.token, folder)
            paths = {"changes": changes, "presence": "/api/v1/directory/gates/gate-0000/presence?since=1"}
            figures: dict[str, Any] = {"gates": gates, "changes_every_s": interval_s}
            headers = {"Authorization": f"Bearer {campus.token}"}
            for what, path in paths.items():
                for lasts in (1.0, seconds):
                    asked = press(server, path, clients=1, seconds=lasts, script="wrk_summary.lua", headers=headers)
                figures[f"{what}_server_ms"] = asked.server_ms
        told_ms, every_s = heartbeats_ms(folder, url, gates)
    figures |= {"presence_every_s": presence_every_s(), "heartbeats_ms": told_ms}
    of_changes = figures["changes_server_ms"] / interval_s
    of_presence = figures["presence_server_ms"] / figures["presence_every_s"]
    figures["core_ms_a_second_ms"] = gates * _DEVICES * (of_changes + of_presence) + told_ms / every_s
    return Report("polls", figures, [])


def _add_zone(campus: Campus) -> None:
    """Let every gate lead into one zone in which somebody passed."""
    from directory import gates
    from directory.tables import ZonePassage, ZonePassageState

    now = datetime.now(UTC)
    with campus.database.begin() as session:
        gates.put_zone(session, ZONE, site="main", title=ZONE, by="system", now=now)
        for gate in gates.find(session):
            gates.change(session, gate, gates.policy_of(gate).model_copy(update={"inner_zone": ZONE}), by="x", now=now)
        session.add(ZonePassageState(zone=ZONE, revision=1, floor=0))
        passed = {"gate": "gate-0000", "direction": "entry", "at": now}
        session.add(ZonePassage(zone=ZONE, person_id=campus.people[0], revision=1, **passed))


def _come_into_step(server: ServerProcess, token: str, folder: Path) -> tuple[str, float]:
    """Return what a device in step asks, and how many seconds lie between two such questions."""
    from access.replica import DirectorySync, Replica
    from database import Sealer

    asked: list[httpx.Request] = []
    client = httpx.Client(timeout=30, trust_env=False, event_hooks={"request": [asked.append]})
    replica = Replica(folder / "replica.db", Sealer(bytes(32)), gate="gate-0000", view="cards")
    hinted: dict[str, Any] = {"hints_arrive": lambda: True} if hasattr(DirectorySync, "pause_s") else {}
    sync = DirectorySync(server.url, "gate-0000", token, replica, client=client, **hinted)
    for _ in range(4):
        sync.run_once()
    interval_s = float(getattr(sync, "pause_s", 15.0))
    sync.close()
    replica.close()
    last = next(one for one in reversed(asked) if one.url.path.endswith("/changes"))
    return f"{last.url.path}?{urlencode(list(last.url.params.multi_items()))}", interval_s


if __name__ == "__main__":
    sys.exit(main())
