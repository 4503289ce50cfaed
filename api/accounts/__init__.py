"""Connecting, checking and disconnecting the accounts that posts go out through."""
