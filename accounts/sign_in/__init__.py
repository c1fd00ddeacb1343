"""Signing in: people with a password, staff through the identity provider; access and refresh tokens."""
