"""The client's side of sessions: a speaker and listeners over WebSockets, and a trial that measures a whole session."""
