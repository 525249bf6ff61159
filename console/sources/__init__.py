"""Where snapshots come from: AWS, or made up; nothing above this package knows which."""
