"""The session heartbeat function."""
