"""`/v1/admin`: every room in it asks for a role, and is not there for people without one."""

from fastapi import APIRouter

from api.admin import (
    audit_routes,
    case_routes,
    chart_routes,
    listing_routes,
    queue_routes,
    switch_routes,
    user_routes,
)
from api.problem_answers import refuses

router = APIRouter()

for story in (
    user_routes,
    case_routes,
    listing_routes,
    switch_routes,
    queue_routes,
    audit_routes,
    chart_routes,
):
    router.include_router(story.router, responses=refuses(404))
