"""What each gate must know, assembled on the server: revisions, deltas, revocation first."""
