"""Rooms, their residents and meters, each with its periods: who lived where, and which meter counted when."""
