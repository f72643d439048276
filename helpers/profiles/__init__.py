"""Profiles: one YAML file of settings for each scale at which the book can be run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from helpers.core.files import ROOT, require_clone
from helpers.core.names import known_names
from helpers.core.strict_yaml import read_strict_yaml
from helpers.profiles.explainer_sections import (
    ClassEvaluation,
    DatasetSettings,
    ExplainedClassifier,
    ExplainerSettings,
)
from helpers.profiles.family_sections import FamilyMethod, FamilySettings
from helpers.profiles.messages import describe_errors
from helpers.profiles.sections import (
    CartoonXSettings,
    ClassifierSettings,
    CurveSettings,
    ImageSettings,
    InitialMaskSettings,
    Profile,
    PublishedRun,
    RolloutSettings,
    Start,
    SweepSettings,
    TransformerSettings,
    Variant,
)
from helpers.profiles.space_vae_sections import AlphaCalibration, LabelledData, SpaceVAEEvaluation, SpaceVAESettings
from helpers.profiles.truth_sections import TruthMethod, TruthSettings

__all__ = [
    "AlphaCalibration",
    "CartoonXSettings",
    "ClassEvaluation",
    "ClassifierSettings",
    "CurveSettings",
    "DatasetSettings",
    "ExplainedClassifier",
    "ExplainerSettings",
    "FamilyMethod",
    "FamilySettings",
    "ImageSettings",
    "InitialMaskSettings",
    "LabelledData",
    "Profile",
    "PublishedRun",
    "RolloutSettings",
    "SpaceVAEEvaluation",
    "SpaceVAESettings",
    "Start",
    "SweepSettings",
    "TransformerSettings",
    "TruthMethod",
    "TruthSettings",
    "Variant",
    "known_profiles",
    "load_profile",
]

PROFILES_FOLDER = ROOT / "profiles"


def known_profiles(folder: Path = PROFILES_FOLDER) -> list[str]:
    """The names of the project's profiles, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def profile_path(name_or_path: str | Path) -> Path:
    """The file of a profile, given by its name in `profiles/` or by its path.

    Raises:
        ValueError: there is no such file; the message lists the project's profiles.
    """
    is_path = isinstance(name_or_path, Path) or "/" in name_or_path or name_or_path.endswith((".yaml", ".yml"))
    path = Path(name_or_path) if is_path else PROFILES_FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        require_clone()
        known = known_names(str(name_or_path), known_profiles(), "the profiles are")
        raise ValueError(
            f"there is no profile {str(name_or_path)!r}{known}; or give the path of a YAML file of your own"
        )
    return path


Needs = Literal["rate-distortion", "explainer", "space-vae"]
_SECTIONS: dict[Needs, str] = {"rate-distortion": "images", "explainer": "explainer", "space-vae": "space_vae"}


def load_profile(name_or_path: str | Path, *, needs: Needs | None = "rate-distortion") -> Profile:
    """Read and check a profile.

    Args:
        name_or_path: the name of a file in `profiles/` (`"quick"`), or the path of any YAML file.
        needs: the required sections: those of Pixel RDE and CartoonX, that of class masks, or that of SpaCE-VAE; None:
            any.

    Raises:
        ValueError: there is no such profile, or it lacks the required sections, or it is invalid; the message names
            each wrong key (dotted), its value and the allowed values.
    """
    path = profile_path(name_or_path)
    content = read_strict_yaml(path)
    _check_shard(path, content.pop("shard", 1))
    try:
        # strict validation of JSON accepts a list for a tuple, but no string or boolean for a number
        profile = Profile.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        raise ValueError(describe_errors(path, error)) from None
    if profile.name != path.stem:
        raise ValueError(
            f"{path}: name = {profile.name!r}, but the file is called {path.stem!r}; make them the same, "
            f"so that two profiles never write to one folder (known profiles: {', '.join(known_profiles())})"
        )
    section = _SECTIONS[needs] if needs is not None else None
    if section is not None and getattr(profile, section) is None:
        others = [name for name in known_profiles() if section in read_strict_yaml(PROFILES_FOLDER / f"{name}.yaml")]
        raise ValueError(
            f"profile {profile.name!r} has no section `{section}`, which is needed here; use one of {', '.join(others)}"
        )
    return profile


def _check_shard(path: Path, shard: object) -> None:
    """Check the number of images per job on a cluster. It is no setting of a run: it changes no number."""
    if type(shard) is not int or shard < 1:
        raise ValueError(f"{path}: shard = {shard!r}; it is the number of images of one job on a cluster, 1 or more")
