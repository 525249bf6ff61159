"""What runs the sources and decides what may be done: bounded calls, beats, back-off, spend."""
