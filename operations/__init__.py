"""The server's view of the gates: events received, live state, staff actions."""
