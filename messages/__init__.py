"""The messages of a gate: what travels over MQTT, how it is signed, and how it is judged."""

from messages.clock import Clock, SystemClock
from messages.commands import MAX_TTL_MS, Ack, Action, Command, CommandEffect, Method, NotSent, Refusal
from messages.events import (
    MOST_RECEIPTS,
    DirectoryHint,
    Event,
    EventKind,
    PresenceHint,
    Receipt,
    Tap,
    mark_historical,
)
from messages.handlers import decoding_handler
from messages.keys import (
    KeyFileError,
    PreviousKey,
    TrustedKey,
    finish_rotation,
    make_private_key,
    parse_trusted_keys,
    public_key_text,
    read_private_key,
    read_trusted_keys,
    rotate_private_key,
)
from messages.nonces import NonceStore, NonceStoreError
from messages.signing import (
    BadAckError,
    RefusedError,
    SignedCommand,
    SignedMessage,
    Signer,
    Verifier,
    verify_ack,
)
from messages.status import Advice, Availability, DoorState, DoorStatus, Feedback, Health, ProcessStatus
from messages.topics import (
    GateTopics,
    Topic,
    TopicError,
    controller_sender,
    edge_sender,
    every_gate,
    parse_topic,
)
from messages.trusted_file import TrustedKeyFile
from messages.twins import TwinWatch
from messages.unwritten import KEPT_IN_MEMORY, UnwrittenWatch
from messages.wire import MAX_PAYLOAD_BYTES, MalformedMessageError, Message

__all__ = [
    "KEPT_IN_MEMORY",
    "MAX_PAYLOAD_BYTES",
    "MAX_TTL_MS",
    "MOST_RECEIPTS",
    "Ack",
    "Action",
    "Advice",
    "Availability",
    "BadAckError",
    "Clock",
    "Command",
    "CommandEffect",
    "DirectoryHint",
    "DoorState",
    "DoorStatus",
    "Event",
    "EventKind",
    "Feedback",
    "GateTopics",
    "Health",
    "KeyFileError",
    "MalformedMessageError",
    "Message",
    "Method",
    "NonceStore",
    "NonceStoreError",
    "NotSent",
    "PresenceHint",
    "PreviousKey",
    "ProcessStatus",
    "Receipt",
    "Refusal",
    "RefusedError",
    "SignedCommand",
    "SignedMessage",
    "Signer",
    "SystemClock",
    "Tap",
    "Topic",
    "TopicError",
    "TrustedKey",
    "TrustedKeyFile",
    "TwinWatch",
    "UnwrittenWatch",
    "Verifier",
    "controller_sender",
    "decoding_handler",
    "edge_sender",
    "every_gate",
    "finish_rotation",
    "make_private_key",
    "mark_historical",
    "parse_topic",
    "parse_trusted_keys",
    "public_key_text",
    "read_private_key",
    "read_trusted_keys",
    "rotate_private_key",
    "verify_ack",
]
