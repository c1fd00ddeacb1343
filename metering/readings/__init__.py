"""Readings of meters: values, the one table they are kept in, how long, and which of them wait for a person."""
