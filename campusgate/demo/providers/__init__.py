"""Payment providers on trial: they speak the wire formats of the real ones, with keys of their own, and move no money.

The demonstration's people top up and pay by them; the tests hold the campus's channels to them.
"""
