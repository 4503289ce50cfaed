"""What crosses a Temporal boundary: names, payloads, activity interfaces, failure types.

Ids and times only: no text, no media, no token ever stands in a workflow history.
"""
