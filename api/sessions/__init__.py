"""Signing up, in and out, and where a user is signed in."""
