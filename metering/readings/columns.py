"""Column types that keep a row of a reading small: whole seconds and numbers instead of texts."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Dialect, Enum, SmallInteger, TypeDecorator


class UtcSeconds(TypeDecorator[datetime]):
    """An aware UTC time, stored as whole seconds since 1970; a fraction of a second is cut off."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Convert to seconds.

        Raises:
            ValueError: the time carries no zone.
        """
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone: use datetime.now(UTC)")
        return int(value.timestamp())

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Give the time back."""
        del dialect
        return None if value is None else datetime.fromtimestamp(value, UTC)


class NumberedWord(TypeDecorator[StrEnum]):
    """A word of an enumeration, stored as its number in `numbers`, which is never changed and never used anew."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, numbers: tuple[tuple[StrEnum, int], ...]) -> None:
        """Take every word with its number."""
        super().__init__()
        self.numbers = numbers
        self._number_of = dict(numbers)
        self._word_of = {number: word for word, number in numbers}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> int | None:
        """Return the word's number."""
        del dialect
        return None if value is None else self._number_of[value]

    def process_result_value(self, value: int | None, dialect: Dialect) -> StrEnum | None:
        """Return the word."""
        del dialect
        return None if value is None else self._word_of[value]


def word(kind: type[StrEnum], length: int) -> Enum:
    """Return the type of a column that holds a word of `kind` as text."""
    return Enum(kind, native_enum=False, length=length, values_callable=lambda words: [word.value for word in words])
