"""What fetching raises."""


class SourceError(Exception):
    """A source did not give the file; the message says why."""


class DigestMismatchError(SourceError):
    """A source gave other bytes than the expected ones."""
