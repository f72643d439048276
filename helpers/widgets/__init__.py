"""Widgets: live while a kernel is there, and never without a sibling that needs none."""

from helpers.widgets.demo import explain_own_image
from helpers.widgets.frames import Frame
from helpers.widgets.live import LivePanel, with_live_controls
from helpers.widgets.static import StaticFrames, frame_list, frame_slider

__all__ = [
    "Frame",
    "LivePanel",
    "StaticFrames",
    "explain_own_image",
    "frame_list",
    "frame_slider",
    "with_live_controls",
]
