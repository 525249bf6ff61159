"""The session authorizer function."""
