"""The gallery: free photographs with stored explanations, small enough to be committed.

The pictures are beside the tables `gallery` and `gallery-sweep` in `results/<profile>/`, whose provenance holds the
SHA-256 of each, so that the page needs no classifier and no computing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.data.photographs import GALLERY, Photograph
from helpers.methods.rde import CartoonX
from helpers.papers.recartoonx.experiments import METHODS, MethodName, Study, explanation_table
from helpers.papers.recartoonx.figures.summaries import CURVE_NAMES
from helpers.plots import MASK_COLOURS, show_images
from helpers.results import read_table, results_folder
from helpers.results.stored_pictures import read_pictures, write_pictures

PROFILE = "gallery"
SWEEP_PICTURES = ("cartoon", "kept")
EVALUATION_SAMPLES = 64
OVERVIEW_ROWS = 12


@dataclass(frozen=True)
class GalleryEntry:
    """One photograph with its explanations.

    Attributes:
        name: such as "chelsea".
        photograph: title, author and licence.
        pictures: in [0, 1], by name: "image", and for each method "cartoonx-cartoon", "cartoonx-kept",
            "cartoonx-mask", "pixel-rde-kept" and "pixel-rde-mask".
        numbers: by method, a row of the table: predictions and their probabilities, sparsity, distortion, seconds.
    """

    name: str
    photograph: Photograph
    pictures: Mapping[str, Float[Tensor, "_channels height width"]]
    numbers: Mapping[str, Mapping[str, Any]]


def gallery_table(study: Study) -> pd.DataFrame:
    """A profile's photographs explained by both methods; the pictures are written to the folder `pictures`.

    For a folder of one's own photographs there are also overviews, `gallery-01.png` and so on, with a row for each
    photograph; their paths are printed.

    Returns:
        As `explanation_table`, with the distortion over fresh noise and the names of the classes; its attribute
        `provenance` has the digests of the pictures.
    """
    names = study.classifier.class_names
    table = explanation_table(study)
    # replaces the distortion of the last step, which has few noise samples
    table["distortion"] = torch.cat([_distortions(study, method) for method in METHODS]).tolist()
    for column in ("prediction", "kept_prediction"):
        table[f"{column}_name"] = [names[index] for index in table[column]]
    files = {f"{name}-image": picture for name, picture in zip(study.images.names, study.images.images, strict=True)}
    for method in METHODS:
        files |= _pictures(study, method)
    table.attrs["provenance"] = {"pictures": write_pictures(files, results_folder(study.profile, study.root))}
    if study.profile.images.source == "folder":
        _write_overviews(study, table, files)
    return table


def gallery_sweep_table(study: Study) -> pd.DataFrame:
    """The first photograph explained by CartoonX at each λk of the profile's sweep; pictures as in `gallery_table`."""
    rows, files, name = [], {}, study.images.names[0]
    target = study.predictions[0][0]
    for weight in study.profile.sweep.sparsity_weights:
        changes = {"sparsity_weight": float(weight)}
        explanation = study.explain("cartoonx", count=1, **changes)
        with torch.no_grad():
            probabilities = study.classifier(explanation.kept.to(study.device)).softmax(-1)[0].cpu()
        rows.append(
            {
                "image": name,
                "sparsity_weight": float(weight),
                "sparsity": float(explanation.representation_mask.mean()),
                "kept_prediction_name": study.classifier.class_names[int(probabilities.argmax())],
                "kept_confidence": float(probabilities[target]),
            }
        )
        files[f"{name}-{weight:g}-kept"] = explanation.kept[0]
        files[f"{name}-{weight:g}-cartoon"] = _cartoon(study, explanation)[0]
    table = pd.DataFrame(rows)
    table.attrs["provenance"] = {"pictures": write_pictures(files, results_folder(study.profile, study.root))}
    return table


def read_gallery(root: Path | None = None, profile: str = PROFILE) -> list[GalleryEntry]:
    """The stored gallery, one entry per photograph.

    Raises:
        ValueError: the table or a picture is missing or was changed; the message says how to make them.
    """
    table = read_table(profile, "gallery", root=root)
    pictures = read_pictures(profile, "gallery", root)
    entries = []
    for name, rows in table.groupby("image", sort=False):
        own = {key.removeprefix(f"{name}-"): value for key, value in pictures.items() if key.startswith(f"{name}-")}
        numbers = {row["method"]: row for row in rows.to_dict("records")}
        entries.append(GalleryEntry(str(name), GALLERY[str(name)], own, numbers))
    return entries


def read_sweep(root: Path | None = None, profile: str = PROFILE) -> tuple[pd.DataFrame, dict[float, dict[str, Tensor]]]:
    """CartoonX of one photograph over λk: the table, and the pictures "cartoon" and "kept" by λk.

    Raises:
        ValueError: as for `read_gallery`.
    """
    table = read_table(profile, "gallery-sweep", root=root)
    pictures = read_pictures(profile, "gallery-sweep", root)
    by_weight = {
        float(row.sparsity_weight): {
            picture: pictures[f"{row.image}-{row.sparsity_weight:g}-{picture}"] for picture in SWEEP_PICTURES
        }
        for row in table.itertuples()
    }
    return table, by_weight


def _distortions(study: Study, method: MethodName, **changes: Any) -> Float[Tensor, " images"]:
    """The distortion of each explained image on fresh noise."""
    masks = study.explain(method, **changes).representation_mask
    values = [
        study.method(method, **changes)
        .problem(study.images.images[index : index + 1].to(study.device))
        .evaluate(masks[index : index + 1].to(study.device), samples=EVALUATION_SAMPLES, seed=study.profile.seed + 1)
        for index in range(len(masks))
    ]
    return torch.cat([value["distortion"].cpu() for value in values])


def _pictures(study: Study, method: MethodName) -> dict[str, Tensor]:
    explanation = study.explain(method)
    pictures = {"mask": explanation.mask, "kept": explanation.kept}
    if method == "cartoonx":
        pictures["cartoon"] = _cartoon(study, explanation)
    return {
        f"{name}-{method}-{picture}": values[index]
        for picture, values in pictures.items()
        for index, name in enumerate(study.images.names)
    }


def _cartoon(study: Study, explanation: Explanation) -> Tensor:
    method = study.method("cartoonx")
    assert isinstance(method, CartoonX)
    return method.cartoon(study.images.images[: len(explanation)], explanation)


def _write_overviews(study: Study, table: pd.DataFrame, files: Mapping[str, Tensor]) -> None:
    """Draw each photograph, what each method keeps of it, and the masks, some photographs to a file."""
    folder, names = results_folder(study.profile, study.root), study.images.names
    rows = {(row.image, row.method): row for row in table.itertuples()}
    folder.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, len(names), OVERVIEW_ROWS), start=1):
        pictures, titles = [], []
        for name in names[first : first + OVERVIEW_ROWS]:
            row = rows[name, METHODS[0]]
            pictures.append(files[f"{name}-image"])
            titles.append(f"{name}\n{row.prediction_name}, {100 * row.confidence:.0f} %")
            for method in METHODS:
                row = rows[name, method]
                pictures += [files[f"{name}-{method}-mask"], files[f"{name}-{method}-kept"]]
                titles += [
                    f"{CURVE_NAMES[method]}\nkeeps {100 * row.sparsity:.1f} %",
                    f"{row.kept_prediction_name}\n{100 * row.kept_confidence:.0f} % of the first",
                ]
        figure = show_images(pictures, titles, columns=1 + 2 * len(METHODS), colours=MASK_COLOURS, width=11)
        path = folder / f"gallery-{number:02d}.png"
        figure.savefig(path, bbox_inches="tight", dpi=100)
        print(path, flush=True)
