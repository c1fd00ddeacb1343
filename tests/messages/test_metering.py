"""The messages of a shower controller: what they refuse, and how a session is known."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from messages import DeviceHeartbeat, MalformedMessageError, SessionReport, session_id

DEVICE, BOOT = UUID(int=1), UUID(int=2)
AT = "2026-11-27T20:00:00+08:00"
CARD = {"digest": "ab" * 32, "proved_key": 3}
COUNT = {"utility": "hot_water", "pulses_per_m3": 450_000, "begin": 10, "now": 460, "open_s": 12}


def report(**fields: object) -> SessionReport:
    body = {"device": str(DEVICE), "boot_id": str(BOOT), "number": 7, "seq": 0, "step": "updated", "at": AT}
    return SessionReport.model_validate(body | fields)


def test_a_session_is_the_same_in_each_of_its_reports_and_no_other() -> None:
    first, later = report(), report(seq=4, step="ended", counts=[COUNT])
    assert first.session == later.session == session_id(DEVICE, BOOT, 7)
    others = {report(number=8).session, report(boot_id=str(UUID(int=3))).session, report(device=str(BOOT)).session}
    assert len(others | {first.session}) == 4


def test_a_report_travels_whole_inside_a_heartbeat() -> None:
    ended = report(step="ended", counts=[COUNT], card=CARD, stop_reason="power_lost", clock_sure=False)
    sent = DeviceHeartbeat(device=DEVICE, boot_id=BOOT, at=datetime(2026, 11, 27, tzinfo=UTC), unsettled=ended)
    assert DeviceHeartbeat.decode(sent.encode()).unsettled == ended


@pytest.mark.parametrize(
    "fields",
    [
        {"step": "authorise"},
        {"step": "authorise", "card": CARD, "code": "901234567123456789"},
        {"step": "authorise", "code": "12"},
        {"step": "authorise", "card": {"digest": "04A1B2C3D4E580"}},
        {"counts": [COUNT, COUNT]},
        {"seq": -1},
        {"number": -1},
        {"at": "2026-11-27T20:00:00"},
        {"step": "begun"},
    ],
)
def test_a_report_that_cannot_be_meant_is_malformed(fields: dict[str, object]) -> None:
    whole = report().model_dump(mode="json") | fields
    with pytest.raises(MalformedMessageError):
        SessionReport.decode(json.dumps(whole).encode())


def test_a_counter_that_is_not_known_is_no_reason_to_refuse_a_report() -> None:
    unknown = report(step="ended", counts=[COUNT | {"now": -1, "begin": None}])
    assert SessionReport.decode(unknown.encode()).counts[0].now == -1


def test_fields_of_a_later_version_are_ignored() -> None:
    later = report(valve_temperature=41, counts=[COUNT | {"flow": 3}])
    assert later.counts[0].begin == 10
