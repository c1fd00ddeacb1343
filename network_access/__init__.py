"""Computer rooms and the internet: who may log in there, for how long, and what the time comes to."""
