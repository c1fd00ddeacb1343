"""What a controller is wired to."""

from dataclasses import dataclass, field

from gate_controller.inputs import Inputs
from gate_controller.readers import Reader
from gate_controller.relays import Relay


@dataclass(frozen=True, slots=True)
class Hardware:
    """The relay, wires and reader of one door."""

    relay: Relay
    inputs: Inputs = field(default_factory=Inputs)
    reader: Reader | None = None
    secured: Relay | None = None
    """Energised while this door is closed and locked: the leave of the other door of an interlock."""

    def close(self) -> None:
        """Let the locks fall and give wires and relays back; the reader is stopped before."""
        self.inputs.close()
        self.relay.close()
        if self.secured is not None:
            self.secured.close()
