"""Deterministic orchestration, nothing else: what happens next, and when.

No I/O, no settings, no clock but the workflow's own. Change a workflow only behind
`workflow.patched`, and record a history for each new branch.
"""
