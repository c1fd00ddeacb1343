"""The face models of a server or an edge."""

from collections.abc import Iterator

from campusgate.doctor.findings import Finding, fault, ok
from campusgate.settings import Settings
from campusgate.wiring.photo_checker import find_embedder
from models.store import ModelStore, State


def check_models(settings: Settings) -> Iterator[Finding]:
    """Examine that the default models and the embedder's are installed and whole."""
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    bad = [one for one in store.verify() if one.state is not State.INSTALLED]
    for one in bad:
        yield fault("models", f"the model {one.entry.name} is {one.state}; run: campusgate models install")
    find_embedder(settings.embedder).require_installed(store)
    if not bad:
        yield ok("models", f"installed and whole in {settings.cache_dir}")
