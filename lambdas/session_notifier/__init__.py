"""The session notifier function."""
