"""The bodies of the activities: load, call one adapter, save.

No SQL and no HTTP of their own; what to do next is decided here, when to do it by the workflow.
"""
