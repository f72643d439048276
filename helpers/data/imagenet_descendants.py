"""Which of ImageNet's 1000 classes are kinds of the classes of PASCAL VOC and COCO.

Sources: the classes, their WordNet 3.0 ids and their order are those of ImageNet-1k (`labels.csv` of the data folder;
torchvision's categories). The relation "is a kind of" is WordNet's hyponymy, read class by class from the entries'
glosses; there is no copy of WordNet here, so the test compares indices, ids and names, and this file shows the rest.
Where the names leave a doubt (a cup is a drink in WordNet, a toilet seat a part, a motor scooter no motorcycle), the
class is left out.

Most animals are well covered: 118 breeds of dog, 59 birds. Three of VOC's five are not:

- *horse* has one kind, sorrel, a coat colour. A horse of another colour has no class of its own (a zebra is an equine,
  but no horse), and a mask is asked for "sorrel" all the same.
- *cow* has one kind, ox: WordNet's "cattle", to which VOC's cows belong, has no other class in ImageNet. There is no
  class of cows; water buffalo and bison are other bovines.
- *sheep* has two, ram (a male sheep) and bighorn (a wild one).

COCO's giraffe has none, nor have persons that matter here (scuba diver, groom and ballplayer are roles).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _indices(*spans: int | tuple[int, int]) -> tuple[int, ...]:
    """Single indices and spans (first, last), as ascending indices."""
    pairs = [(span, span) if isinstance(span, int) else span for span in spans]
    return tuple(index for first, last in pairs for index in range(first, last + 1))


_ANIMALS = {
    "bird": _indices((7, 24), (80, 100), (127, 146)),
    "cat": _indices((281, 285)),
    "dog": _indices((151, 268)),
    "horse": _indices(339),
    "sheep": _indices(348, 349),
    "cow": _indices(345),
    "elephant": _indices(385, 386),
    "bear": _indices((294, 297)),
    "zebra": _indices(340),
}

_THINGS = {
    "airplane": _indices(404, 895),
    "apple": _indices(948),
    "backpack": _indices(414),
    "banana": _indices(954),
    "bed": _indices(564),
    "bench": _indices(703),
    "bicycle": _indices(444, 671),
    "boat": _indices(472, 554, 576, 625, 814, 914),
    "book": _indices(917),
    "bottle": _indices(440, 720, 737, 898, 907),
    "bowl": _indices(659, 809),
    "broccoli": _indices(937),
    "bus": _indices(654, 779, 874),
    "car": _indices(407, 436, 468, 511, 609, 627, 656, 661, 751, 817),
    "cell phone": _indices(487),
    "chair": _indices(423, 559, 765, 857),
    "clock": _indices(409, 530, 892),
    "couch": _indices(831),
    "dining table": _indices(532),
    "hot dog": _indices(934),
    "keyboard": _indices(508),
    "laptop": _indices(620, 681),
    "microwave": _indices(651),
    "motorcycle": _indices(665),
    "mouse": _indices(673),
    "orange": _indices(950),
    "parking meter": _indices(704),
    "pizza": _indices(963),
    "refrigerator": _indices(760),
    "remote": _indices(761),
    "sink": _indices(896),
    "spoon": _indices(910),
    "teddy bear": _indices(850),
    "tie": _indices(451, 457, 906),
    "toaster": _indices(859),
    "traffic light": _indices(920),
    "train": _indices(466),
    "truck": _indices(555, 569, 675, 717, 734, 864, 867),
    "tv": _indices(851),
    "umbrella": _indices(879),
    "vase": _indices(883),
}

DESCENDANTS: Mapping[str, tuple[int, ...]] = MappingProxyType({**_ANIMALS, **_THINGS})
"""The ImageNet indices, ascending, of each class of VOC's animals and of COCO that has any; COCO's names."""

POORLY_COVERED = ("cow", "horse", "sheep")
"""VOC's animals whose kinds in ImageNet are one or two, none of which is the animal as such."""


def descendants(name: str) -> tuple[int, ...]:
    """The indices of ImageNet's classes that are kinds of a class of VOC or COCO; empty if there are none."""
    return DESCENDANTS.get(name, ())
