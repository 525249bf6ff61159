"""What is deployed: one Pulumi component per capability over a few secure building blocks."""
