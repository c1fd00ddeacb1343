"""The screen at a gate: what the person in front should do, and what became of their passage. It names nobody.

`campusgate display` serves it at the gate from the gate's own broker; the server serves the same page from its board.
"""
