"""Switches that hold publishing, and circuits that open by themselves."""
