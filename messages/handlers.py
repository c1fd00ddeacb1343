"""From the bytes on a topic to a message in somebody's hands: what is malformed is logged and dropped, in one place."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from bus.port import Handler
from messages.wire import MalformedMessageError, Message

log = structlog.get_logger()

AnyMessage = TypeVar("AnyMessage", bound=Message)


def decoding_handler(
    kind: type[AnyMessage], handle: Callable[[AnyMessage, bool], None], *, malformed: str = "message_malformed"
) -> Handler:
    """Return a handler of payloads that calls `handle` with each message of `kind` and whether it was retained.

    `malformed` is the name in the log of what is no such message.
    """

    def handle_payload(topic: str, payload: bytes, retained: bool) -> None:
        try:
            message = kind.decode(payload)
        except MalformedMessageError as error:
            log.warning(malformed, topic=topic, error=str(error))
            return
        handle(message, retained)

    return handle_payload
