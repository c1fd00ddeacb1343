"""Fines of the library, paid from the campus account: held, reported to the library's own system, taken or let go."""
