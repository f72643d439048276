"""Uploads into ipywidgets' control, as a browser makes them, in both forms."""

from __future__ import annotations

from datetime import datetime, timezone

import ipywidgets


def upload(control: ipywidgets.FileUpload, name: str, content: bytes | memoryview) -> None:
    """Put a file into an upload control, of whichever ipywidgets is installed."""
    size = len(memoryview(content))
    if int(ipywidgets.__version__.split(".")[0]) >= 8:
        file = {"name": name, "type": "image/png", "size": size, "content": content}
        control.value = ({**file, "last_modified": datetime(2026, 1, 1, tzinfo=timezone.utc)},)
    else:  # ipywidgets 7, as on Colab
        metadata = {"name": name, "type": "image/png", "size": size, "lastModified": 1767225600000}
        control.set_state({"metadata": [metadata], "data": [memoryview(content)], "_counter": control._counter + 1})
