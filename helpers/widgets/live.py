"""Controls that run code in a kernel, each with a static fallback.

ipywidgets swallows exceptions in callbacks, so that a page with a dead control could be published. Here every callback
runs once before the control is shown, where an error stops the page. Later errors are shown to the reader, each in one
sentence. Those that are not the reader's are errors in the widget's outputs, where the book's build looks for them, and
their tracebacks are in Python's log.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from helpers.widgets.frames import Picture, make_frame

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
HTML = "text/html"
_LOG = logging.getLogger(__name__)


class ReaderError(ValueError):
    """Something that a reader put in cannot be used; the message is for the reader, and the page is in order."""


class LivePanel:
    """Controls above the picture that a function draws for their values.

    Args:
        draw: called with the controls' values by name; returns a figure, a tensor in [0, 1] or a PIL image.
        controls: ipywidgets by name. A `Button` among them triggers the drawing; without one, every change does. An
            `HTML` among them is a note.
        label: the alternative text of the picture.

    Raises:
        Exception: whatever `draw` raises for the controls' first values: it is called once here.
    """

    def __init__(self, draw: Callable[..., Picture], controls: Mapping[str, ipywidgets.Widget], *, label: str) -> None:
        self.controls = dict(controls)
        self.label = label
        self.output = ipywidgets.Output()
        self._draw = draw
        buttons = [control for control in self.controls.values() if isinstance(control, ipywidgets.Button)]
        shown = (ipywidgets.Button, ipywidgets.HTML)  # which have no value for `draw`
        self._inputs = {name: control for name, control in self.controls.items() if not isinstance(control, shown)}
        self.output.outputs = (self._picture(),)  # an error here stops the page
        for button in buttons:
            button.on_click(lambda _: self.refresh())
        for control in self._inputs.values() if not buttons else ():
            control.observe(lambda _: self.refresh(), names="value")
        self.widget = ipywidgets.VBox([*self.controls.values(), self.output])

    def refresh(self) -> None:
        """Draw for the current values of the controls; show an error instead of the picture, in one sentence."""
        self._disable(True)
        try:
            outputs: tuple[dict[str, Any], ...] = (self._picture(),)
        except ReaderError as error:
            outputs = (error_message(error),)
        except Exception as error:  # every error is shown and recorded
            _LOG.error("the panel %r cannot draw", self.label, exc_info=error)
            outputs = (error_output(error),)
        finally:
            self._disable(False)
        self.output.outputs = outputs

    def _disable(self, disabled: bool) -> None:
        for control in self.controls.values():
            if control.has_trait("disabled"):
                control.disabled = disabled

    def _picture(self) -> dict[str, Any]:
        values = {name: control.value for name, control in self._inputs.items()}
        frame = make_frame(self._draw(**values), "", self.label)
        text = (
            f'<img class="dark-light" src="{frame.address}" alt="{html.escape(frame.description)}" '
            f'width="{frame.width}" height="{frame.height}" style="max-width:100%;height:auto;background:#fff"/>'
        )
        return display_output(text, self.label)


def display_output(text: str, plain: str) -> dict[str, Any]:
    """HTML as an entry of a notebook's outputs."""
    return {"output_type": "display_data", "data": {HTML: text, "text/plain": plain}, "metadata": {}}


def error_message(error: BaseException) -> dict[str, Any]:
    """The message of an error for readers, as an entry of a notebook's outputs."""
    message = str(error) or type(error).__name__
    text = f'<div role="alert" style="border-left:4px solid #d55e00;padding:.5em 1em">{html.escape(message)}</div>'
    return display_output(text, message)


def error_output(error: BaseException) -> dict[str, Any]:
    """An error as an entry of a notebook's outputs, as of a failed cell, in one line."""
    name, first = type(error).__name__, str(error).strip().partition("\n")[0]
    line = f"{name}: {first}" if first else name
    return {"output_type": "error", "ename": name, "evalue": str(error), "traceback": [line]}


class WithLiveControls:
    """An output with two representations: the live widget in a notebook, the static fallback in the built book."""

    def __init__(self, static: Any, widget: ipywidgets.Widget) -> None:
        self.static, self.widget = static, widget

    def _repr_html_(self) -> str:
        """The static fallback."""
        return self.static if isinstance(self.static, str) else self.static._repr_html_()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Both representations: JupyterLab prefers the widget, the book's build is configured to prefer HTML."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {"text/plain": repr(self.static), HTML: self._repr_html_(), WIDGET_VIEW: view}


def with_live_controls(static: Any, make_widget: Callable[[], ipywidgets.Widget | LivePanel]) -> WithLiveControls:
    """Combine a live widget and its static fallback in one output.

    Args:
        static: for readers without a kernel: HTML, or an object with `_repr_html_` (a `frame_slider`).
        make_widget: returns the live widget; it is called here, so that its errors stop the page.

    Returns:
        The last expression of a cell, or the argument of `display`.

    Raises:
        ValueError: `static` has no HTML, or `make_widget` returned no widget.
    """
    if not isinstance(static, str) and not hasattr(static, "_repr_html_"):
        raise ValueError(f"the static fallback must be HTML or have _repr_html_, not {type(static).__name__}")
    result = make_widget()
    widget = result.widget if isinstance(result, LivePanel) else result
    if not isinstance(widget, ipywidgets.Widget):
        raise ValueError(f"make_widget must return an ipywidgets widget or a LivePanel, not {type(result).__name__}")
    return WithLiveControls(static, widget)
