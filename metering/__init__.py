"""Shower and electricity on the campus account: sessions, readings, rooms, and the devices they come from."""
