"""Which frame answers which request, and what a meter says when it refuses.

A line also brings the echo of the request, answers that come late, and those of other meters. A frame counts as the
answer only where its address, its control code and its data id fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from metering.frames.bcd import CodecError, decode_text
from metering.frames.dlt645.frame import EVERYBODY, Frame, Function

_ERROR_BITS = (
    "another error",
    "no such data",
    "wrong password, or not allowed",
    "the speed cannot be changed",
    "too many year zones",
    "too many periods a day",
    "too many tariffs",
)
_ORDER_ERROR_BITS = (
    "the meter is suspended",
    "wrong message authentication code",
    "wrong password, or not allowed",
    "the authentication has timed out",
    "the order has expired",
    "no trip while power is kept on",
    "no pre-trip while power is kept on",
    "the pre-trip has no duration",
    "no pre-trip while it is tripped",
)
_ORDER_DONE_BITS = (
    "closed",
    "closing allowed",
    "tripped",
    "trips after its delay",
    "pre-trip",
    "trips when the current falls",
    None,
    None,
    "power kept on",
    "power no longer kept on",
    "alarm",
    "alarm off",
)
"""The word of meters of the 2014 edition: why not, when the control code is DC, and what was done, when it is 9C."""


class MeterRefusalError(CodecError):
    """The meter refuses. `words`: why, as its error bits say."""

    def __init__(self, words: Sequence[str]) -> None:
        """`words` may be empty: it did not say why."""
        super().__init__("the meter refuses: " + (", ".join(words) or "it does not say why"))
        self.words = tuple(words)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a meter says to an order. That it accepts is no proof that its relay moved: status word 3 is."""

    is_accepted: bool
    words: tuple[str, ...] = ()


def accepts(request: Frame, answer: Frame) -> bool:
    """Return whether `answer` answers `request`; an echo, another meter's and another item's do not."""
    if request.address == EVERYBODY or not answer.is_answer or answer.function != request.function:
        return False
    return _is_from(request, answer) and _has_what_was_asked(request, answer)


def read_error(answer: Frame) -> tuple[str, ...]:
    """Return in words why a meter refuses with `answer`."""
    if answer.function == Function.ORDER and len(answer.data) == 2:
        return _words(answer.data, _ORDER_ERROR_BITS)
    return _words(answer.data[:1], _ERROR_BITS)


def read_acknowledgement(answer: Frame) -> Acknowledgement:
    """Return what `answer` says to an order, whether it has no byte of data, one or two."""
    if answer.is_error:
        return Acknowledgement(is_accepted=False, words=read_error(answer))
    return Acknowledgement(is_accepted=True, words=_words(answer.data, _ORDER_DONE_BITS))


def read_address(answer: Frame) -> str:
    """Return the address that a meter gives as its own.

    Raises:
        MeterRefusalError: it refuses.
    """
    if answer.is_error:
        raise MeterRefusalError(read_error(answer))
    return decode_text(answer.data)


def _has_what_was_asked(request: Frame, answer: Frame) -> bool:
    if answer.is_error:
        return len(answer.data) <= 2
    match request.function:
        case Function.READ | Function.READ_NEXT:
            return len(answer.data) > 4 and answer.data[:4] == request.data[:4]
        case Function.READ_ADDRESS:
            return len(answer.data) == 6
        case Function.ORDER:
            return len(answer.data) <= 2
        case _:
            return not answer.data


def _is_from(request: Frame, answer: Frame) -> bool:
    if request.function == Function.READ_ADDRESS and not answer.is_error:
        own = decode_text(answer.data)
        return own.isdecimal() and _fits(request.address, own) and answer.address in (own, request.address)
    return answer.address.isdecimal() and _fits(request.address, answer.address)


def _fits(asked: str, address: str) -> bool:
    if asked == address:
        return True
    pairs = zip(range(0, 12, 2), range(2, 14, 2), strict=True)
    return "AA" in asked and all(asked[a:b] in ("AA", address[a:b]) for a, b in pairs)


def _words(data: bytes, bits: Sequence[str | None]) -> tuple[str, ...]:
    word = int.from_bytes(data, "little")
    known = [text for place, text in enumerate(bits) if text and word >> place & 1]
    unknown = [f"bit {place}" for place in range(16) if word >> place & 1 and not (place < len(bits) and bits[place])]
    return tuple(known + unknown)
