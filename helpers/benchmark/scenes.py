"""The scenes of the benchmark: fixed numbers of one series, which four classifiers get right."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from helpers.classifiers import load_classifier
from helpers.data.scenes import make_scenes
from helpers.data.scenes.parts import SceneParts, draw_parts

SERIES = 3600
"""The seed of the series, from which no network was trained."""

OBJECTS = (2, 3)

RIGHT = {"scenes-multilabel": 64, "scenes-cnn": 64, "scenes-vit": 64, "scenes-small": 32}
"""The classifiers whose most probable class is that of the largest object, each at the size of its scenes."""

_NUMBERS = """
19 21 25 53 55 68 75 84 85 93 98 102 104 109 116 124 133 141 144 155 165 173
176 178 180 186 200 218 239 242 250 260 263 265 267 272 279 316 328 332 361 367
371 373 392 393 397 401 429 432 451 454 457 461 470 474 478 502 516 526 533 536
542 543 551 553 556 560 562 569 570 575 579 581 622 638 650 658 667 670 679 682
692 693 694 699 715 720 745 765 766 782 787 803 813 814 816 830 833 846 860 889
892 897 902 903 904 905 925 956 984 986 990 1002 1003 1005 1017 1026 1028 1034 1038
1046 1057 1059 1068 1071 1076 1086 1090 1091 1092 1093 1097 1101 1106 1119 1120 1122
1126 1137 1139 1148 1154 1170 1179 1182 1187 1198 1204 1215 1233 1250 1256 1261 1266
1269 1271 1272 1277 1282 1302 1319 1325 1337 1342 1349 1365 1379 1394 1398 1405 1450
1451 1457 1462 1465 1475 1501 1522 1540 1543 1556 1558 1560 1563 1617 1622 1628 1631
1633 1637 1640 1648 1653 1664 1665 1695 1708 1711 1719 1726 1734 1738 1739 1743 1747
"""

SCENE_NUMBERS: tuple[int, ...] = tuple(map(int, _NUMBERS.split()))
"""The first scenes of the series that all of `RIGHT` get right, as `find_scenes` finds them."""

SCORED = 200
"""The scenes that may be scored, the first ones; the others choose settings."""

_AT_ONCE = 128


def drawn(numbers: Sequence[int], size: int) -> SceneParts:
    """Scenes of the series, and each of them without each of its parts.

    Args:
        numbers: of the scenes in the series.
        size: of the images, in pixels.
    """
    return SceneParts.join([draw_parts(1, start=n, size=size, seed=SERIES, objects=OBJECTS) for n in numbers])


@torch.no_grad()
def find_scenes(count: int) -> tuple[int, ...]:
    """The numbers of the first scenes of the series that all of `RIGHT` get right; about one in nine is one.

    Args:
        count: of the scenes.
    """
    networks = {name: load_classifier(name) for name in RIGHT}
    found: list[int] = []
    start = 0
    while len(found) < count:
        scenes = {
            size: make_scenes(_AT_ONCE, size=size, seed=SERIES, start=start, objects=OBJECTS)
            for size in set(RIGHT.values())
        }
        right = torch.ones(_AT_ONCE, dtype=torch.bool)
        for name, size in RIGHT.items():
            right &= networks[name](scenes[size].images).argmax(1) == scenes[size].label
        found += [start + row for row in right.nonzero()[:, 0].tolist()]
        start += _AT_ONCE
    return tuple(found[:count])
