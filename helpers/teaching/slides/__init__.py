"""Slides of six sessions, cut from the built pages by the plan `book/slides.yaml`."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "build_slides": "helpers.teaching.slides.decks",
        "load_plan": "helpers.teaching.slides.plan",
    },
)
