"""`/v1/feed`."""

from fastapi import APIRouter

from api.feed import comment_routes, people_routes, reading_routes, writing_routes

router = APIRouter()
router.include_router(reading_routes.router)
router.include_router(writing_routes.router)
router.include_router(comment_routes.router)
router.include_router(people_routes.router)
