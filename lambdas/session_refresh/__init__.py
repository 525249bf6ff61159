"""The session refresh function."""
