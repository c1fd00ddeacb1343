"""Examines each link of a running or set-up server, controller or edge, and says in a sentence what to mend."""
