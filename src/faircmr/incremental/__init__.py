"""What is stale and what is done."""
