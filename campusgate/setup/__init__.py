"""Sets up a server, and gates at it: what stands in `deploy/`, filled in and put where it belongs."""
