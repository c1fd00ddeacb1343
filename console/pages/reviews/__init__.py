"""Pages of photo review."""

from console.pages.reviews import actions, queue, records, references

ROUTERS = (
    # Before the photos: their addresses end in a photo's id.
    records.router,
    references.router,
    queue.router,
    actions.router,
)
