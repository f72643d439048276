"""A check before a run that the data of a figure is on this machine."""

from __future__ import annotations

from helpers.site.registry import CLASS_MASKS, SPACE_VAE, Figure


def require_figure_data(figure: Figure, profile: str) -> None:
    """Check that the photographs of a figure about class masks or SpaCE-VAE are on this machine.

    Args:
        figure: the figure.
        profile: the name of its profile.

    Raises:
        MissingArchiveError: (a FileNotFoundError) archives are missing; the message says which to download.
        ValueError: the profile has no section on class masks, or on SpaCE-VAE.
    """
    if figure.paper == SPACE_VAE:
        _require_labelled(profile)
    if figure.paper != CLASS_MASKS:
        return
    from helpers.data.multilabel import require_dataset  # takes seconds, which other figures do not need
    from helpers.profiles import load_profile

    settings = load_profile(profile, needs="explainer").explainer
    assert settings is not None
    for name, data in settings.datasets.items():
        if (figure.dataset or figure.parameters.get("dataset", name)) == name:
            require_dataset(data.source, data.folder())


def _require_labelled(profile: str) -> None:
    from helpers.data.labelled import load_labelled
    from helpers.profiles import load_profile

    settings = load_profile(profile, needs="space-vae").space_vae
    assert settings is not None
    load_labelled(settings.data.source, "test", count=1, root=settings.data.folder(), seed=settings.data.seed)
