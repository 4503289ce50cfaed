"""The embedded stack behind `make up`: every server of the system, here, under one supervisor.

Here belongs how processes are found, started, watched and stopped; nothing of what they do.
"""
