"""The console without a screen: the same snapshots as text or JSON, for scripts and CI."""
