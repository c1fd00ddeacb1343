"""Photographs of Labeled Faces in the Wild that do not stand under the name of whom they show, or stand under two.

A search counts such a stranger as a false match of a person who is in fact that person, or misses somebody under a
name that is not theirs. Only labels are listed here, never a photograph that is hard to recognise. Found in public
lists of LFW's errors and by looking at the pairs of different names that are most similar.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

FLATTERS = (
    "Labeled Faces in the Wild flatters every network: its public figures are also among those of the collections that "
    "networks are trained on"
)
"""Stands beside every figure that is measured on it."""

_SAME = "shows the person that stands as {} too"

WRONGLY_NAMED: Mapping[str, str] = {
    "Andrew_Gilligan_0001": _SAME.format("Andrew_Caldecott"),
    "Emmy_Rossum_0001": _SAME.format("Eva_Amurri"),
    "Felipe_De_Borbon_0001": _SAME.format("Prince_Felipe"),
    "Hasan_Wirayuda_0001": _SAME.format("Hassan_Wirajuda"),
    "Isabela_Moraes_0001": "twin of Carolina_Moraes",
    "Jeff_Roehm_0001": _SAME.format("Harold_Scott"),
    "John_Barnett_0001": _SAME.format("John_Burnett"),
    "Joseph_Blatter_0001": _SAME.format("Sepp_Blatter"),
    "Joseph_Blatter_0002": _SAME.format("Sepp_Blatter"),
    "Mahmoud_Abbas_0012": "shows Hamad bin Isa",
    "Michael_Schumacher_0008": "shows Rubens Barrichello",
    "Noer_Muis_0001": _SAME.format("Noer_Moeis"),
    "Ray_Young_0001": _SAME.format("Jason_Kapono"),
    "Recep_Tayyip_Erdogan_0004": "shows Abdullah Gul",
    "Shavon_Earp_0001": _SAME.format("Diana_Taurasi"),
    "Shinya_Taniguchi_0001": _SAME.format("Takahiro_Mori"),
    "William_Pryor_Jr_0001": _SAME.format("Bill_Pryor"),
}
"""Why each is left out, by file name without its ending."""


def rightly_named(people: Mapping[str, Sequence[Path]]) -> dict[str, list[Path]]:
    """Return the photographs of each person without those that stand under a wrong name."""
    kept = {name: [photo for photo in photos if photo.stem not in WRONGLY_NAMED] for name, photos in people.items()}
    return {name: photos for name, photos in kept.items() if photos}
