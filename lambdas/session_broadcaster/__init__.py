"""The session broadcaster function."""
