"""The reference of the messages, made from the models themselves: `docs/messages.md` and one JSON Schema for each."""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from messages import signed_codes
from messages.commands import Ack, Command
from messages.envelope import Purpose, SignedMessage
from messages.events import DirectoryHint, Event, EventKind, PresenceHint, Receipt, Tap, UsedCode
from messages.metering import (
    DeviceHeartbeat,
    HeartbeatAnswer,
    MeterTotal,
    OpeningPeriod,
    SessionAnswer,
    SessionLimit,
    SessionReport,
    ShownCard,
    WaterCount,
    WaterPrice,
)
from messages.permissions import HEARS, SAYS, SHOWER_HEARS, SHOWER_SAYS, Role
from messages.shower_topics import SERVER_SENDER, ShowerTopic
from messages.status import Availability, DoorState, Feedback, Health, ShowerAvailability
from messages.topics import Topic
from messages.wire import MAX_PAYLOAD_BYTES, Message
from messages.zone_heartbeats import ZoneHeartbeat

ON_THE_WIRE: dict[Topic, tuple[type[Message], str]] = {
    Topic.COMMAND: (SignedMessage, "QoS 1, never retained. `body` is a Command."),
    Topic.ACK: (SignedMessage, "QoS 1. `body` is an Ack."),
    Topic.STATE: (DoorState, "QoS 1, retained."),
    Topic.AVAILABILITY: (Availability, "QoS 1, retained, last will; said again every 30 s."),
    Topic.EDGE_AVAILABILITY: (Availability, "QoS 1, retained, last will; said again every 30 s."),
    Topic.EVENTS: (Event, "QoS 1, at least once, from an outbox on disk."),
    Topic.TAPS: (Tap, "QoS 1."),
    Topic.HEALTH: (Health, "QoS 0."),
    Topic.FEEDBACK: (Feedback, "QoS 0, never retained."),
    Topic.DIRECTORY: (DirectoryHint, "QoS 1."),
    Topic.RECEIPTS: (Receipt, "QoS 1."),
    Topic.PRESENCE: (PresenceHint, "QoS 1."),
    Topic.ZONE_HEARTBEAT: (SignedMessage, "QoS 0, never retained. `body` is a ZoneHeartbeat."),
    Topic.USED_CODES: (UsedCode, "QoS 1, never retained."),
}
SHOWERS_ON_THE_WIRE: dict[ShowerTopic, tuple[type[Message], str]] = {
    ShowerTopic.REPORTS: (SignedMessage, "QoS 1, never retained. `body` is a SessionReport."),
    ShowerTopic.ANSWERS: (SignedMessage, "QoS 1. `body` is a SessionAnswer."),
    ShowerTopic.HEARTBEATS: (SignedMessage, "QoS 1. `body` is a DeviceHeartbeat."),
    ShowerTopic.HEARTBEAT_ANSWERS: (SignedMessage, "QoS 1. `body` is a HeartbeatAnswer."),
    ShowerTopic.AVAILABILITY: (ShowerAvailability, "QoS 1, retained, last will."),
}
_MODELS: tuple[type[Message], ...] = (
    SignedMessage, Command, Ack, DoorState, Availability, Event, Tap, Health, Feedback, DirectoryHint, Receipt,
    PresenceHint, ZoneHeartbeat, UsedCode, SessionReport, SessionAnswer, DeviceHeartbeat, HeartbeatAnswer,
    ShowerAvailability,
)  # fmt: skip
_PARTS: tuple[type[BaseModel], ...] = (ShownCard, WaterCount, MeterTotal, WaterPrice, SessionLimit, OpeningPeriod)
"""What stands inside messages."""


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return a JSON Schema (2020-12) for each message by its name."""
    return {model.__name__: model.model_json_schema() for model in _MODELS}


def markdown() -> str:
    """Return the reference as Markdown."""
    return "\n".join(
        [
            *_introduction(),
            *_topics(),
            *_signatures(),
            *_signed_codes(),
            *_zone_heartbeats(),
            *_events(),
            *_showers(),
            *_messages(),
        ]
    )


def _introduction() -> list[str]:
    return [
        "# Messages",
        "",
        "Written by `campusgate messages reference`; a test holds it to the code.",
        "",
        f"MQTT 3.1.1. Payloads are UTF-8 JSON of at most {MAX_PAYLOAD_BYTES:,} bytes. Times carry their zone. Readers",
        "ignore fields they do not know. `campusgate messages schema NAME` prints a message's JSON Schema,",
        "`campusgate messages acl GATE… [--shower DEVICE]` the broker's access list.",
        "",
    ]


def _topics() -> list[str]:
    lines = [
        "## Topics",
        "",
        "All below `campusgate/SITE/gates/GATE/`. The broker lets each process say and hear only this:",
        "",
        "| Topic | Payload | Delivery | Said by | Heard by |",
        "|---|---|---|---|---|",
    ]
    for topic, (model, delivery) in ON_THE_WIRE.items():
        lines.append(_row(topic, model, delivery, _roles(SAYS, topic), _roles(HEARS, topic)))
    lines += ["", "Below `campusgate/SITE/showers/DEVICE/`, where `DEVICE` is the controller's id:", ""]
    lines += ["| Topic | Payload | Delivery | Said by | Heard by |", "|---|---|---|---|---|"]
    for end, (model, delivery) in SHOWERS_ON_THE_WIRE.items():
        lines.append(_row(end, model, delivery, _roles(SHOWER_SAYS, end), _roles(SHOWER_HEARS, end)))
    return [*lines, ""]


def _roles(table: Mapping[Role, Iterable[str]], topic: str) -> str:
    return ", ".join(role.value for role, topics in table.items() if topic in topics)


def _row(topic: StrEnum, model: type[Message], delivery: str, said: str, heard: str) -> str:
    return f"| `{topic.value}` | {model.__name__} | {delivery} | {said} | {heard} |"


def _signatures() -> list[str]:
    return [
        "## Signatures",
        "",
        "`signature` is Ed25519 in base64 over the bytes `campusgate command 1\\n` (for an Ack: `campusgate ack 1\\n`)",
        "followed by `body` exactly as it stands. A controller carries out a command only if, in this order:",
        "",
        "1. it is signed by a sender whose key it trusts, and that sender is the one named in the body;",
        "2. the broker did not mark it as retained;",
        "3. it is for this gate, and the sender may ask for this action;",
        "4. `boot_id` is the one in the controller's retained state, so it was made since the controller's start;",
        "5. it is no older than `ttl_ms` (at most ten seconds) and not from the future; while the controller's clock",
        "   runs behind what it has seen before, only `lock`, `lockdown` and `deny` pass;",
        "6. `nonce` is larger than every earlier one of this sender; it is on disk before the relay moves.",
        "",
        "Every command is answered by a signed Ack, refused ones with the reason. Further reasons may come; readers",
        "pass them on.",
        "",
    ]


def _signed_codes() -> list[str]:
    digits, length, prefix = signed_codes.PAYMENT_DIGITS, signed_codes.LENGTH, signed_codes.PREFIX
    good_for_s, apart_s = (int(span.total_seconds()) for span in (signed_codes.GOOD_FOR, signed_codes.CLOCKS_APART))
    purpose = Purpose.CODE.value.decode().strip()
    return [
        "## Signed codes",
        "",
        "A virtual card's code reaches the gate through a scanner and not through the broker. It is:",
        "",
        f"1. a payment code of {digits} digits: `{prefix}`, seven of the card's handle, nine for the server;",
        "2. ten digits of the Unix second for which it was made;",
        "3. 155 digits of an Ed25519 signature, as a big-endian number, over the bytes",
        f"   `{purpose}\\n`, the site, `\\n` and all digits before it.",
        "",
        f"{length} in all. The key is the one trusted as `{signed_codes.STAFF_SENDER}`. A controller takes a code",
        f"from {apart_s} s before its second to {good_for_s} s after it, and once.",
        "",
    ]


def _zone_heartbeats() -> list[str]:
    purpose = Purpose.ZONE_HEARTBEAT.value.decode().strip()
    return [
        "## Zone heartbeats",
        "",
        f"Signed over `{purpose}\\n` and `body`, with the key trusted as `{signed_codes.STAFF_SENDER}`. A gate",
        "believes one only if it is of its site and zone, from after the server's last answer and the last one",
        "believed (`at`, by the server's clock), at most ten seconds old and at most two ahead of the gate's clock.",
        "If it names the revision that the gate holds, it counts as an answer of that time; if another one, the gate",
        "asks over HTTP. Nothing else follows from it: lost, held back or played again, it leaves the gate to ask.",
        "",
    ]


def _events() -> list[str]:
    kinds = ", ".join(f"`{kind.value}`" for kind in EventKind)
    return [
        "## Events",
        "",
        f"Kinds of this version: {kinds}. Further kinds may come.",
        "",
        "A gate keeps an event until the server's receipt names it, and sends it again without one. An event sent",
        "more than ten seconds after it happened is marked `historical`. A gate's outbox keeps 20,000",
        "events; when it is full, the oldest of low value go first (refused commands, what is no card, closings), then",
        "the oldest, and `events_lost` tells how many.",
        "",
    ]


def _showers() -> list[str]:
    return [
        "## Showers",
        "",
        "Everything but the availability travels in a SignedMessage, each kind for a purpose of its own:",
        "",
        "| Body | Signed over | By |",
        "|---|---|---|",
        *(
            f"| {model.__name__} | `{purpose.value.decode().strip()}\\n` and `body` | `{sender}` |"
            for model, purpose, sender in (
                (SessionReport, Purpose.SHOWER_REPORT, "shower:DEVICE"),
                (SessionAnswer, Purpose.SHOWER_ANSWER, SERVER_SENDER),
                (DeviceHeartbeat, Purpose.SHOWER_HEARTBEAT, "shower:DEVICE"),
                (HeartbeatAnswer, Purpose.SHOWER_HEARTBEAT_ANSWER, SERVER_SENDER),
            )
        ),
        "",
        "The server takes a message only if its signature holds, and `device` in the body, the sender and the topic",
        "name one controller. Nothing happens twice: a session is `device`, `boot_id` and `number`, its report is",
        "`seq`, and the server stores each once. A report has no time to live: water that has flowed is reported",
        "however late, and is sent again until its answer came.",
        "",
        "A controller takes an answer only if the server signed it, and it names the report (`session`, `seq`) or the",
        "heartbeat (`boot_id`, `seq`) that waits for one: an answer that is played back changes nothing.",
        "",
    ]


def _messages() -> list[str]:
    lines = ["## Fields", ""]
    for model in (*_MODELS, *_PARTS):
        lines += [f"### {model.__name__}", "", _first_paragraph(model), "", "| Field | Type | |", "|---|---|---|"]
        schema = model.model_json_schema()
        required = set(schema.get("required", []))
        for name, part in schema["properties"].items():
            must = "required" if name in required else f"default `{json.dumps(part.get('default'))}`"
            if name not in required and "default" not in part:
                must = "optional"
            lines.append(f"| `{name}` | {_type(part, schema.get('$defs', {}))} | {must} |")
        lines.append("")
    return lines


def _first_paragraph(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").strip().split("\n\n")[0].split())


def _type(part: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[1]
        return _type(definitions[name], definitions) if "enum" in definitions[name] else name
    if "anyOf" in part:
        return " or ".join(_type(choice, definitions) for choice in part["anyOf"])
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if part.get("type") == "array" and "$ref" in part.get("items", {}):
        return f"array of {_type(part['items'], definitions)}"
    kind = str(part.get("type", "any"))
    notes = [str(part["format"])] if "format" in part else []
    notes += [f"`{part['pattern']}`".replace("|", "\\|")] if "pattern" in part else []
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None or high is not None:
        notes.append(f"{low if low is not None else ''}–{high if high is not None else ''}")
    return f"{kind} ({', '.join(notes)})" if notes else kind
