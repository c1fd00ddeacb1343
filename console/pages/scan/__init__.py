"""Pages behind printed codes, for whoever scans them: no sign-in, nothing of anybody's account."""

from console.pages.scan import merchant, top_up

ROUTERS = (top_up.router, merchant.router)
