"""X, as its API v2 shows it."""
