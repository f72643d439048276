"""Controls without a kernel: the page contains every frame, and a slider or a list selects one.

The HTML has no script tag, no id and no external URL, so that it works in JupyterLab, in VS Code, in the built book and
several times on one page. Without handlers or styles (an untrusted notebook, no JavaScript, print) all frames are shown
side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Literal

from helpers.widgets.frames import Frame, Picture, render_frames
from helpers.widgets.in_browser import BUTTON_STYLE, InBrowser

# Only the frame with the class kwm-shown is visible; all lie in one grid cell, so that the layout never moves. In dark
# mode the book's theme would put HTML on a light background, and filter pictures without the class dark-light.
STYLE = """
.kwm-frames{margin:1em 0;padding:0;max-width:100%;color:inherit}
.kwm-stage{display:grid;grid-template-columns:minmax(0,1fr);justify-items:start}
.kwm-frame{grid-area:1/1;visibility:hidden;margin:0;padding:0}
.kwm-frame.kwm-shown{visibility:visible}
.kwm-frame img{display:block;max-width:100%;height:auto;margin:0;border-radius:4px}
.kwm-frame img{padding:0!important;background:#fff!important}
.kwm-frame figcaption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
html[data-theme=dark] .text_html:has(.kwm-frames){background:transparent!important;color:inherit!important}
.kwm-control{display:flex;flex-wrap:wrap;align-items:center;gap:.4em .8em;margin:.5em 0 0;font:inherit}
.kwm-control input{flex:1 1 12em;max-width:28em;min-height:1.8em;accent-color:#0072b2;cursor:pointer}
.kwm-control select{font:inherit;color:inherit;background:transparent;padding:.2em .4em;max-width:100%}
.kwm-control select option{color:#111;background:#fff}
.kwm-control :focus-visible{outline:3px solid #e69f00;outline-offset:2px}
.kwm-control output{min-width:6em;font-weight:600;font-variant-numeric:tabular-nums}
"""
FILMSTRIP = """
.kwm-stage{display:flex;flex-wrap:wrap;gap:1em}
.kwm-frame{visibility:visible;flex:0 1 auto;max-width:48%;break-inside:avoid}
.kwm-frame figcaption{position:static;width:auto;height:auto;clip-path:none;font-weight:600}
.kwm-control{display:none}
"""
HANDLER = (
    "var box=this.closest('.kwm-frames'),all=box.querySelectorAll('.kwm-frame'),now=all[+this.value];"
    "all.forEach(function(frame){frame.classList.toggle('kwm-shown',frame===now)});"
    "var text=now.querySelector('figcaption').textContent,out=box.querySelector('output');"
    "if(out){out.textContent=text;this.setAttribute('aria-valuetext',text)}"
)


@dataclass(frozen=True)
class StaticFrames:
    """Pre-rendered frames with a control that selects one of them; a notebook shows them as HTML.

    Attributes:
        frames: one per value of the control.
        label: the name of the control.
        start: the index of the initial frame.
        control: a slider or a drop-down list.
        live: the computation that can take the pictures' place in a reader's browser.
    """

    frames: tuple[Frame, ...]
    label: str
    start: int
    control: Literal["slider", "list"] = "slider"
    live: InBrowser | None = None

    def __repr__(self) -> str:
        """The label and the values, without HTML."""
        return f"<{self.control}: {self.label}, {', '.join(frame.value for frame in self.frames)}>"

    def _repr_html_(self) -> str:
        """Deterministic HTML that is also well-formed XML."""
        frames = "".join(self._frame(index, frame) for index, frame in enumerate(self.frames))
        control = self._slider() if self.control == "slider" else self._list()
        label = escape(self.label)
        data, style = ("", STYLE) if self.live is None else (self.live.attributes(), STYLE + BUTTON_STYLE)
        return (
            f'<div class="kwm-frames" role="group" aria-label="{label}"{data}>'
            f"<style>{style}@media print{{{FILMSTRIP}}}</style>"
            f"<noscript><style>{FILMSTRIP}</style></noscript>"
            f'<div class="kwm-stage">{frames}</div>'
            f'<div class="kwm-control">{control}</div></div>'
        )

    def _frame(self, index: int, frame: Frame) -> str:
        shown = " kwm-shown" if index == self.start else ""
        return (
            f'<figure class="kwm-frame{shown}">'
            f'<img class="dark-light" src="{frame.address}" alt="{escape(frame.description)}" width="{frame.width}" '
            f'height="{frame.height}" loading="lazy"/><figcaption>{escape(frame.value)}</figcaption></figure>'
        )

    def _slider(self) -> str:
        value = escape(self.frames[self.start].value)
        return (
            f"<label>{escape(self.label)}</label>"
            f'<input type="range" min="0" max="{len(self.frames) - 1}" step="1" value="{self.start}" '
            f'autocomplete="off" aria-label="{escape(self.label)}" aria-valuetext="{value}" '
            f'oninput="{escape(HANDLER)}"/><output aria-live="polite">{value}</output>'
        )

    def _list(self) -> str:
        selected = [' selected="selected"' if index == self.start else "" for index in range(len(self.frames))]
        options = "".join(
            f'<option value="{index}"{selected[index]}>{escape(frame.value)}</option>'
            for index, frame in enumerate(self.frames)
        )
        return (
            f"<label>{escape(self.label)}</label>"
            f'<select autocomplete="off" aria-label="{escape(self.label)}" onchange="{escape(HANDLER)}">'
            f"{options}</select>"
        )


def frame_slider(
    render: Callable[[Any], Picture],
    values: Sequence[Any],
    label: str,
    *,
    describe: Callable[[Any], str] | None = None,
    show_value: Callable[[Any], str] | None = None,
    start: Any = None,
    live: InBrowser | None = None,
) -> StaticFrames:
    """A slider over pre-rendered frames, for the built book and for notebooks.

    Args:
        render: draws the frame of a value: a figure, a tensor in [0, 1] (1 or 3 channels, height, width), or a PIL
            image. It is called here, once per value, and its errors are not caught.
        values: of the slider, in order.
        label: the name of the control, such as "λk".
        describe: the alternative text at a value; by default the label and the value.
        show_value: the text of a value; by default numbers have at most 4 significant digits.
        start: the initial value; by default the middle one.
        live: a computation that a reader can start in the browser, in the place of the frames.

    Raises:
        ValueError: there are no values, or `start` is not one of them.
    """
    return replace(_static_frames("slider", render, values, label, describe, show_value, start), live=live)


def frame_list(
    render: Callable[[Any], Picture],
    values: Sequence[Any],
    label: str,
    *,
    describe: Callable[[Any], str] | None = None,
    show_value: Callable[[Any], str] | None = None,
    start: Any = None,
    live: InBrowser | None = None,
) -> StaticFrames:
    """A drop-down list over pre-rendered frames, such as one per class; see `frame_slider`."""
    return replace(_static_frames("list", render, values, label, describe, show_value, start), live=live)


def write_value(value: Any) -> str:
    """The text of a value: numbers have at most 4 significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _static_frames(
    control: Literal["slider", "list"],
    render: Callable[[Any], Picture],
    values: Sequence[Any],
    label: str,
    describe: Callable[[Any], str] | None,
    show_value: Callable[[Any], str] | None,
    start: Any,
) -> StaticFrames:
    steps = list(values)
    if not steps:
        raise ValueError(f"the control {label!r} needs at least one value")
    if start is not None and start not in steps:
        raise ValueError(f"start={start!r} is not one of the values of {label!r}: {steps}")
    show = show_value or write_value
    alternative = describe or (lambda value: f"{label}: {show(value)}")
    first = len(steps) // 2 if start is None else steps.index(start)
    return StaticFrames(render_frames(render, steps, show, alternative), label, first, control)
