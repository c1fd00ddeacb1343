"""The database of the server in one file, and back."""
