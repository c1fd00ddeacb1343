"""Each page with what is done on it; `install` adds them all to an app."""

from console.pages.router import ROUTERS, install
from console.services import ConsoleServices

__all__ = ["ROUTERS", "ConsoleServices", "install"]
