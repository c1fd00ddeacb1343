"""The screens of gates, as the server knows them."""

from console.pages.display import gate

ROUTERS = (gate.router,)
