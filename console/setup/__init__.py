"""Setting up what belongs to a stack and has no resource: what is there, what would be done, what remains by hand."""
