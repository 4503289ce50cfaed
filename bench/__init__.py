"""Benchmarks: each one command that ends with a line to read, and keeps a plot and its JSON.

What runs in production does not belong here; nothing imports it.
"""
