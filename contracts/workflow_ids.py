"""The names under which workflows are started, so that starting twice is harmless."""

from uuid import UUID


def post_workflow_id(post_id: UUID) -> str:
    """The workflow that publishes a post."""
    return f"post-{post_id}"


def retry_workflow_id(post_id: UUID, delivery_id: UUID) -> str:
    """The workflow that publishes one delivery of a post once more."""
    return f"post-{post_id}-retry-{delivery_id}"
