"""Controls shared by the live panels of the chapters."""

from __future__ import annotations

import ipywidgets

from helpers.widgets.upload import wide


def scene_list(count: int) -> ipywidgets.Dropdown:
    """A list of `count` scenes by number."""
    options = [(f"scene {index + 1}", index) for index in range(count)]
    return ipywidgets.Dropdown(options=options, description="Scene", **wide())
