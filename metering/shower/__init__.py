"""The controller of a shower: a pure state machine, what it keeps over a power cut, its valve, meters and messages."""
