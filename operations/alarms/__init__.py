"""Alarms: what somebody must look at, until somebody has.

`rules` decides, `conditions` reads the live state, `register` keeps them in the database, `watch` lets time pass.
"""
