"""The HTTP API of metering."""
