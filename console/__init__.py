"""The console: one terminal that shows whether a communications stack is healthy."""
