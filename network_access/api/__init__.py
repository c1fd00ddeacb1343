"""The HTTP API of network access."""
