"""What is asked of meters, other than orders to their relay."""

from datetime import datetime, tzinfo

from metering.frames.dlt645.frame import ANYBODY, EVERYBODY, Frame, Function
from metering.frames.dlt645.times import AT_ONCE, encode_minute, encode_second


def encode_id(item: int) -> bytes:
    """Return a data id as it goes into a frame: its lowest byte first."""
    return item.to_bytes(4, "little")


def read(address: str, item: int) -> Frame:
    """Ask for the data item with the id `item`, such as 0x00010000."""
    return Frame(address, Function.READ, encode_id(item))


def read_address() -> Frame:
    """Ask for its address the one meter that is connected."""
    return Frame(ANYBODY, Function.READ_ADDRESS)


def set_clock(at: datetime, zone: tzinfo) -> Frame:
    """Tell every meter of the line the time; none answers, and most follow within five minutes and once a day only."""
    return Frame(EVERYBODY, Function.BROADCAST_TIME, encode_second(at, zone))


def freeze(address: str, at: datetime | None, zone: tzinfo) -> Frame:
    """Tell a meter, or `EVERYBODY`, to keep its registers as they are at that minute, `None`: now."""
    return Frame(address, Function.FREEZE, AT_ONCE if at is None else encode_minute(at, zone)[:4])
