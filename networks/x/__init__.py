"""X: posts through the API v2."""
