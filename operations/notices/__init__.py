"""Telling people of alarms, outside the pages: one file for each channel."""
