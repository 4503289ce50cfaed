"""How a process starts: settings, logging, resources, the Temporal connection.

Builds and hands over; decides nothing about posts.
"""
