"""Posts as their authors see them: accepted, read, changed, stopped."""

from storage.posts.accepting import Accepted, FirstAnswer, KeyIsTaken, NewPosts, accept
from storage.posts.changing import (
    add_deliveries,
    add_retry,
    cancel,
    cancel_many,
    remove_deliveries,
    resolve_delivery,
    revise,
)
from storage.posts.drawing_up import draw_up
from storage.posts.post import Delivery, Post, PostFilter, PublishTime, TargetAccount
from storage.posts.reading import (
    find_delivery,
    get,
    get_many,
    list_by_workspace,
    lock,
    lock_batch,
)

__all__ = [
    "Accepted",
    "Delivery",
    "FirstAnswer",
    "KeyIsTaken",
    "NewPosts",
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
    "get_many",
    "list_by_workspace",
    "lock",
    "lock_batch",
    "remove_deliveries",
    "resolve_delivery",
    "revise",
]
