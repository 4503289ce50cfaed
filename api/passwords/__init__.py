"""Passwords: what a good one is, changing it, and choosing a new one by mail."""
