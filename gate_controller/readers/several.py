"""Several readers at one door, as one: on a bench the door's own reader and the port that moves the wires."""

from collections.abc import Callable

from gate_controller.inputs import Supervised
from gate_controller.readers import Read, Reader


class SeveralReaders(Reader):
    """Reads from all of them."""

    def __init__(self, *readers: Reader) -> None:
        self.readers = readers

    def start(self, read: Read) -> None:
        """Start all of them.

        Raises:
            ReaderError: one of them cannot be opened.
        """
        for reader in self.readers:
            reader.start(read)

    def stop(self) -> None:
        """Stop all of them."""
        for reader in self.readers:
            reader.stop()

    def watch_fault(self, changed: Callable[[str | None], None]) -> None:
        """Call `changed` with the faults of those that report them."""
        for reader in self.readers:
            if isinstance(reader, Supervised):
                reader.watch_fault(changed)
