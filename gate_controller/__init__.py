"""The door: messages, state machine, relay and sensors, card reader, card-only decision."""
