"""The session disconnect function."""
