"""What was done, whom it reached and what it changed."""
