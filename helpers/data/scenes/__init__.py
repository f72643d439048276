"""Procedural images whose classes, object masks and planted shortcut are known exactly."""

from helpers.data.scenes.patterns import BACKGROUNDS
from helpers.data.scenes.scenes import Scenes, make_scenes
from helpers.data.scenes.shapes import SCENE_CLASSES

__all__ = ["BACKGROUNDS", "SCENE_CLASSES", "Scenes", "make_scenes"]
