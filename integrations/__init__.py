"""Other systems of the campus that ask who somebody is, each in its own language."""
