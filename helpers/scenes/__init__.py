"""Procedural images whose classes, object masks and planted shortcut are known exactly."""

from helpers.scenes.patterns import BACKGROUNDS
from helpers.scenes.scenes import Scenes, make_scenes
from helpers.scenes.shapes import SCENE_CLASSES

__all__ = ["BACKGROUNDS", "SCENE_CLASSES", "Scenes", "make_scenes"]
