"""All routes of the operations."""

from fastapi import APIRouter

from operations.api import alarms, orders, tickets, views, zones

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])
for _part in (views, alarms, tickets, orders, zones):
    router.include_router(_part.router)
