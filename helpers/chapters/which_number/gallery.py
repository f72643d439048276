"""The registered table `benchmark-gallery`: the maps of all methods for the same scenes, as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.benchmark.case import Case, Trial
from helpers.benchmark.methods import contestants_for
from helpers.benchmark.registry import find_metric
from helpers.benchmark.runs import chosen_setting, images_of, stored_maps
from helpers.benchmark.truth import drop_shares
from helpers.chapters.which_number.scores import PROFILE, USED, WHERE
from helpers.data.scenes import SCENE_CLASSES
from helpers.results import read_table, results_folder
from helpers.results.stored_pictures import read_pictures, write_pictures

TABLE = "benchmark-gallery"
SCENES = 6
"""The first scenes of the benchmark; none was picked by eye."""

TRUTHS = {"the object": WHERE, "what was used": USED}
"""Two maps that no method sees, and the metric of each."""

_PREFIX, _IMAGES = "gallery-", "scenes"


@dataclass(frozen=True)
class Shown:
    """One scene with all maps.

    Attributes:
        image: pixels in [0, 1].
        class_name: the explained class, that of its largest object.
        maps: by method, the truths first; each divided by its largest value.
        scores: by method, its `WHERE` and `USED` for this scene.
        controls: the methods that know nothing of the classifier.
    """

    image: Float[Tensor, "3 height width"]
    class_name: str
    maps: Mapping[str, Float[Tensor, "1 height width"]]
    scores: Mapping[str, tuple[float, float]]
    controls: frozenset[str]


def gallery_table(study: Any) -> pd.DataFrame:
    """The maps of all methods and controls for the first `SCENES` scenes, with the settings that were chosen.

    The maps are those of the table `benchmark`, where they are stored; the pictures lie in the folder `pictures`.

    Returns:
        One row per method and scene: method (the truths are methods, too), control, image, class, and the scores by
        `WHERE` and `USED`; its attribute `provenance` has the digests of the pictures.
    """
    images, tuning = images_of(study), study.table("benchmark-tuning")
    case = images.some(list(range(SCENES)))
    maps = dict(zip(TRUTHS, truth_maps(case), strict=True))
    methods = {each.name: each for each in contestants_for(study.classifier)}
    for name, each in methods.items():
        found, _, _ = stored_maps(study, each, images, chosen_setting(each, tuning), SCENES)
        maps[name] = Trial(case, found).maps
    names = [SCENE_CLASSES[index] for index in case.targets.tolist()]
    frames, pictures = [], {_IMAGES: torch.cat([*case.images], dim=2)}
    for name, values in maps.items():
        trial = Trial(case, values)
        scores = {metric: find_metric(metric).metric(trial).double().numpy().round(6) for metric in (WHERE, USED)}
        control = name in methods and methods[name].control
        frames.append(
            pd.DataFrame({"method": name, "control": control, "image": range(len(case)), "class": names, **scores})
        )
        largest = values.amax((1, 2), keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
        pictures[f"{name}-mask"] = torch.cat([*(values / largest)], dim=1)[None]  # 1, height, scenes * width
    table = pd.concat(frames, ignore_index=True)
    files = {_PREFIX + name.replace(" ", "-"): picture for name, picture in pictures.items()}
    written = write_pictures(files, results_folder(study.profile, study.root), lossless=SCENES * case.images.shape[-1])
    table.attrs["provenance"] = {"pictures": written}
    return table


def truth_maps(case: Case) -> list[Float[Tensor, "batch height width"]]:
    """The object, and each part of the scene as bright as its share in the drop of the logit per pixel.

    Args:
        case: scenes with their truth.
    """
    assert case.region is not None
    assert case.parts is not None
    masks = case.parts.masks.to(case.images)  # batch, parts, height, width
    share = drop_shares(case.drops).nan_to_num() / masks.sum((2, 3)).clamp_min(1)  # batch, parts
    return [case.region.to(case.images), (share[:, :, None, None] * masks).sum(1)]


def read_gallery(root: Path | None = None) -> list[Shown]:
    """The stored scenes with all maps.

    Raises:
        ValueError: the table or a picture is missing or was changed; the message says how to make them.
    """
    table, pictures = read_table(PROFILE, TABLE, root=root), read_pictures(PROFILE, TABLE, root)
    images = pictures[_PREFIX + _IMAGES]
    side, shown = images.shape[1], []
    for number, rows in table.groupby("image"):
        columns = slice(int(number) * side, (int(number) + 1) * side)
        maps = {name: pictures[f"{_PREFIX}{name.replace(' ', '-')}-mask"][..., columns] for name in rows["method"]}
        scores = {row["method"]: (row[WHERE], row[USED]) for row in rows.to_dict("records")}
        controls = frozenset(rows.loc[rows["control"], "method"])
        shown.append(Shown(images[..., columns], str(rows["class"].iloc[0]), maps, scores, controls))
    return shown
