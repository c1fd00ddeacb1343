"""The demonstration: a small campus of real processes over real sockets, and one scripted day at its gate."""
