"""Interactive widgets for a kernel, each with a static fallback that needs none."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "explain_own_image": "helpers.widgets.demo",
        "Frame": "helpers.widgets.frames",
        "InBrowser": "helpers.widgets.in_browser",
        "LivePanel": "helpers.widgets.live",
        "ReaderError": "helpers.widgets.live",
        "with_live_controls": "helpers.widgets.live",
        "StaticFrames": "helpers.widgets.static",
        "frame_list": "helpers.widgets.static",
        "frame_slider": "helpers.widgets.static",
    },
)
