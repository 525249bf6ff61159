"""The embedded cloud: an AWS on 127.0.0.1 that runs this project's stack."""
