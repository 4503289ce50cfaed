"""Posts as their authors see them: accepted, read, changed, stopped."""

from storage.posts.accepting import FirstAnswer, accept, draw_up
from storage.posts.changing import (
    add_deliveries,
    add_retry,
    cancel,
    cancel_many,
    remove_deliveries,
    resolve_delivery,
    revise,
)
from storage.posts.post import Delivery, Post, PostFilter, PublishTime, TargetAccount
from storage.posts.reading import find_delivery, get, list_by_workspace, lock, lock_batch

__all__ = [
    "Delivery",
    "FirstAnswer",
    "Post",
    "PostFilter",
    "PublishTime",
    "TargetAccount",
    "accept",
    "add_deliveries",
    "add_retry",
    "cancel",
    "cancel_many",
    "draw_up",
    "find_delivery",
    "get",
    "list_by_workspace",
    "lock",
    "lock_batch",
    "remove_deliveries",
    "resolve_delivery",
    "revise",
]
