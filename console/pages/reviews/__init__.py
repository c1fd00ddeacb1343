"""Pages of photo review."""

from console.pages.reviews import actions, queue

ROUTERS = (
    queue.router,
    actions.router,
)
