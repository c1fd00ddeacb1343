"""The embedders that can be chosen, by name: one network, or several with weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.embedders.dlib_resnet import DlibResNet
from models.embedders.fusion import FusedEmbedder
from models.embedders.mobilefacenet import MobileFaceNet
from models.embedders.port import Embedder
from models.embedders.sface import SFace
from models.embedders.single import SingleEmbedder
from models.runtime import ModelFiles, thread_count

DEFAULT_EMBEDDER = "mobilefacenet+sface"


@dataclass(frozen=True, slots=True)
class EmbedderKind:
    """What can be known of an embedder without loading it."""

    networks: tuple[type[SingleEmbedder], ...]
    weights: tuple[float, ...] = (1.0,)
    """Of each network's cosine in the mean of them; they add up to 1."""
    in_thorough_views: bool = True
    """Whether a thorough vector takes in the `thorough_views` of its networks: see `EMBEDDERS`."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models of the catalogue that it runs."""
        return tuple(network.model for network in self.networks)

    @property
    def model_id(self) -> str:
        """The id that its templates carry."""
        return "+".join(network.model_id for network in self.networks)

    @property
    def dimension(self) -> int:
        """The length D of its vectors."""
        return sum(network.dimension for network in self.networks)

    def require_installed(self, files: ModelFiles) -> None:
        """Ask for the file of each network; raises what `files` raises for one that is missing or damaged."""
        for model in self.models:
            files.path(model)

    def load(self, files: ModelFiles, *, threads: int = 0) -> Embedder:
        """Load its networks; `threads` is the number used for one image, 0 meaning one for each core."""
        paths = [files.path(model) for model in self.models]
        if len(self.networks) == 1:
            return self.networks[0](paths[0], threads=threads, in_thorough_views=self.in_thorough_views)
        threads = thread_count(threads)
        # Side by side they need not wait for each other; and the cores that a short network leaves are the longer
        # one's. On two cores beside other work: 15.6 ms, against 18.8 with a core for each and 18.4 one after the
        # other; on two idle ones that share their arithmetic units 14.0 against 14.6.
        parts = [
            network(path, threads=threads, in_thorough_views=self.in_thorough_views)
            for network, path in zip(self.networks, paths, strict=True)
        ]
        return FusedEmbedder(parts, self.weights, workers=threads)


EMBEDDERS: Mapping[str, EmbedderKind] = MappingProxyType(
    {
        "mobilefacenet+sface": EmbedderKind((MobileFaceNet, SFace), (0.25, 0.75), in_thorough_views=False),
        "mobilefacenet+dlib-resnet": EmbedderKind((MobileFaceNet, DlibResNet), (0.6, 0.4)),
        "mobilefacenet": EmbedderKind((MobileFaceNet,)),
        "sface": EmbedderKind((SFace,)),
        "dlib-resnet": EmbedderKind((DlibResNet,)),
    }
)
"""The weights stand in the meaning of a `model_id`: others make another model. What they gain: `docs/models.md`.

Further sizes of the face steady MobileFaceNet's vector (without them a fused one with dlib misses 0.3 points more), but
not that of which SFace decides three quarters: there they changed nothing and took a third of the time."""


def make_embedder(files: ModelFiles, name: str, *, threads: int = 0) -> Embedder:
    """Load the embedder `name`.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in EMBEDDERS:
        raise ValueError(f"there is no embedder {name!r}; there are {', '.join(sorted(EMBEDDERS))}")
    return EMBEDDERS[name].load(files, threads=threads)
