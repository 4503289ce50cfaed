"""The HTTP front: one folder a noun, in each routes, schemas and service.

Validates, asks a service, answers. What happens later is for workflows, what is kept for storage.
"""
