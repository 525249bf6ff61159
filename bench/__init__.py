"""Measurements beside their peers: `python -m bench` runs every row, `python -m bench NAME ...` the named ones."""
