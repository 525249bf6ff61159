"""Pure functions from snapshots to lines of words, glyphs and roles; no terminal library here."""
