"""A gate's copy of its directory: what it holds, where it is stored, and how it follows the server."""
