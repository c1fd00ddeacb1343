"""The protocols of meters, each a backend of `metering.lines.protocol.MeterProtocol`."""
