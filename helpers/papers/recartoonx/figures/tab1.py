"""Table 1 of [Re] CartoonX: the paper's hyperparameters and those of the profiles."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd

from helpers.papers.recartoonx.experiments import published_settings
from helpers.profiles import Profile, load_profile
from helpers.reporting.injected import refuse_unknown_parameters
from helpers.results import collect_provenance, write_table

# the paper's value of each setting in its reproduction experiment ([Re] CartoonX, Table 1 and sections 3.2 to 3.5; the
# noise, the clamping and the missing normalisation are in the published code only)
PAPER = {
    "classifier": "MobileNetV3-Small",
    "input normalised": "no",
    "images": "100 ImageNet photographs",
    "size": "256 px",
    "λk, CartoonX": "20",
    "λk, Pixel RDE": "4",
    "steps": "2000",
    "noise draws per step": "64",
    "draws used with both signs": "no",
    "learning rate": "0.001",
    "schedule": "constant",
    "optimiser": "adam",
    "initial mask": "ones",
    "distortion": "label",
    "noise": "gaussian",
    "obfuscations clamped, CartoonX": "yes",
    "obfuscations clamped, Pixel RDE": "no",
    "wavelet": "db3, 5 levels, zero",
}
CHANGES = {
    "classifier": "The classes, the confidence, and so the height of every distortion curve.",
    "input normalised": "A network that is fed pixels on another scale than it was trained on is less sure and "
    "wrong more often.",
    "images": "The explained images, and the width of every interval.",
    "size": "The number k of mask entries, and the share of the image that one of them covers.",
    "λk, CartoonX": "The sparsity of CartoonX's masks.",
    "λk, Pixel RDE": "The sparsity of Pixel RDE's masks.",
    "steps": "The time. An entry moves by about the learning rate per step, so that steps × rate must exceed 1.",
    "noise draws per step": "The noise of the gradient, and the time of a step.",
    "draws used with both signs": "A pair of opposite draws cancels the odd part of the gradient's noise.",
    "learning rate": "How many steps an entry takes from 1 to 0: about 1 ÷ rate.",
    "schedule": "Whether the last steps still jump about or settle.",
    "optimiser": "The step: Lion takes only the sign of the gradient, Adam scales it by its running magnitude.",
    "initial mask": "The start of the descent.",
    "distortion": "The output to be preserved: the label's probability, or all of them.",
    "noise": "The replacement of entries whose mask is 0.",
    "obfuscations clamped, CartoonX": "Whether the classifier sees values that no image has.",
    "obfuscations clamped, Pixel RDE": "Whether both methods are treated alike: as published, only CartoonX's are "
    "clamped.",
    "wavelet": "The meaning of a mask entry of CartoonX.",
}
CLASSIFIERS = {
    "mobilenet_v3_small": "MobileNetV3-Small",
    "tf_mobilenetv3_small_100": "MobileNetV3-Small",
    "mobilenetv2_100": "MobileNetV2",
}
SOURCES = {
    "scenes": "scenes (procedural)",
    "gallery": "free photographs",
    "imagenet-study": "ImageNet photographs",
    "voc-animals": "photographs of VOC's animals",
    "coco-tiny": "photographs of COCO",
    "folder": "own photographs",
}


def write_settings(profile: str) -> tuple[list[Profile], pd.DataFrame]:
    """Compare a profile with the paper, and with the profiles `study` and `paper`; write `recartoonx-tab1`.

    Returns:
        The profiles, the page's own first, and their `settings_table`.
    """
    refuse_unknown_parameters()
    begin = time.perf_counter()
    profiles = [load_profile(name) for name in dict.fromkeys([profile, "study", "paper"])]
    table = settings_table(profiles)
    provenance = collect_provenance(profiles[0], wall_seconds=time.perf_counter() - begin)
    write_table(table, profile, "recartoonx-tab1", provenance)
    return profiles, table


def papers_table() -> pd.DataFrame:
    """The paper's own Table 1, with "–" for missing values."""
    published = published_settings().convert_dtypes().astype(object)
    return published.where(published.notna(), "–")


def settings_table(profiles: Sequence[Profile]) -> pd.DataFrame:
    """One row per setting: the paper's value, each profile's, and the effect of a difference.

    Returns:
        Columns setting, published, one column per profile with its name, differs (the comma-separated names of the
        profiles that differ from the paper), changes (empty if none differs).
    """
    values = {profile.name: _values(profile) for profile in profiles}
    rows = []
    for setting, paper in PAPER.items():
        own = {name: settings[setting] for name, settings in values.items()}
        differs = [name for name, value in own.items() if value != paper]
        changes = CHANGES[setting] if differs else ""
        rows.append({"setting": setting, "published": paper, **own, "differs": ", ".join(differs), "changes": changes})
    return pd.DataFrame(rows)


def difference_counts(table: pd.DataFrame, names: Sequence[str]) -> dict[str, int]:
    """The number of settings of each profile that differ from the paper's.

    Args:
        table: the result of `settings_table`.
        names: the names of the profiles.
    """
    return {name: int(_differs(table, name).sum()) for name in names}


def marked_settings(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The settings of the paper and of each profile, with differences in bold (HTML)."""
    marked = {name: table[name].where(~_differs(table, name), "<b>" + table[name] + "</b>") for name in names}
    return table[["setting", "published"]].assign(**marked)


def difference_list(table: pd.DataFrame, name: str) -> str:
    """A list in Markdown of the settings in which a profile differs from the paper, each with its effect."""
    rows = table[_differs(table, name)]
    return "\n".join(
        f"- **{setting}** ({published} → {own}): {changes}"
        for setting, published, own, changes in rows[["setting", "published", name, "changes"]].itertuples(index=False)
    )


def _differs(table: pd.DataFrame, name: str) -> pd.Series:
    """Whether the profile of that name differs from the paper, by setting."""
    return pd.Series([name in differs.split(", ") for differs in table["differs"]], index=table.index, dtype=bool)


def _values(profile: Profile) -> dict[str, str]:
    cartoonx, pixels, images = profile.cartoonx, profile.pixel_rde, profile.images
    classifier = CLASSIFIERS.get(profile.classifier.name, profile.classifier.name)

    def both(name: str) -> str:
        values = [_written(getattr(options, name)) for options in (cartoonx, pixels)]
        return values[0] if values[0] == values[1] else f"{values[0]} (CartoonX), {values[1]} (Pixel RDE)"

    return {
        "classifier": classifier,
        "input normalised": _written(profile.classifier.normalise),
        "images": f"{images.count or 'all'} {SOURCES[images.source]}",
        "size": f"{images.size} px",
        "λk, CartoonX": _written(cartoonx.sparsity_weight),
        "λk, Pixel RDE": _written(pixels.sparsity_weight),
        "steps": both("steps"),
        "noise draws per step": both("samples"),
        "draws used with both signs": both("antithetic"),
        "learning rate": both("learning_rate"),
        "schedule": both("schedule"),
        "optimiser": both("optimiser"),
        "initial mask": both("initial_mask"),
        "distortion": both("distortion"),
        "noise": both("noise"),
        "obfuscations clamped, CartoonX": _written(cartoonx.clamp),
        "obfuscations clamped, Pixel RDE": _written(pixels.clamp),
        "wavelet": f"{cartoonx.wavelet}, {cartoonx.levels} levels, {cartoonx.mode}",
    }


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
