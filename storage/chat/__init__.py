"""Conversations, their messages, and the order of everything that happens in them."""
