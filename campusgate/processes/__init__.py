"""The long-running processes: each is put together from settings, runs until it is stopped, and ends in order."""
