"""Procedural images whose classes, object masks and planted shortcut are known exactly."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "BACKGROUNDS": "helpers.data.scenes.patterns",
        "Scenes": "helpers.data.scenes.scenes",
        "make_scenes": "helpers.data.scenes.scenes",
        "SCENE_CLASSES": "helpers.data.scenes.shapes",
    },
)
