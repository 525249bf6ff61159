"""The session connection function."""
