"""The overview of the figures and tables: a card with a thumbnail for each, grouped by paper."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path

from IPython.display import HTML
from PIL import Image

from helpers.core.files import ROOT
from helpers.reporting.ledger.outcomes import Verdict
from helpers.reporting.ledger.strip import badge
from helpers.site.pictures import picture_files
from helpers.site.registry import Figure, load_registry

THUMBNAIL = (480, 300)
"""The largest width and height of a thumbnail, in pixels: twice its displayed size."""


def figure_cards(
    verdicts: Iterable[Verdict], paper: str | None = None, *, beyond: bool = False, root: Path = ROOT
) -> HTML:
    """Cards of the figures of a paper: thumbnail, number in the paper, title, and the outcomes of its claims.

    Args:
        verdicts: those on all claims (`helpers.reporting.ledger.page.all_verdicts`).
        paper: the paper's key in book/references.bib; None for all.
        beyond: the figures that this book adds to the papers, instead of the papers' own.
        root: the project's root; thumbnails come from the executed pages in `_build/figures/quick/`.
    """
    verdicts = list(verdicts)
    chosen = {
        identifier: figure
        for identifier, figure in load_registry(root).items()
        if paper in (None, figure.paper) and figure.beyond == beyond
    }
    cards = "".join(_card(identifier, figure, verdicts, root) for identifier, figure in chosen.items())
    return HTML(f'<div class="figure-cards">{cards}</div>')


def thumbnail(identifier: str, root: Path = ROOT) -> bytes | None:
    """The first picture of an executed page, reduced, as WebP; None for a page without pictures, or not executed."""
    notebook = root / "_build" / "figures" / "quick" / f"{identifier}.ipynb"
    pictures = [path for path in picture_files(notebook) if path.suffix == ".png"]
    own = [path for path in pictures if path.stem.endswith("-ours")] or pictures
    if not own:
        return None
    with Image.open(own[0]) as picture:
        small = picture.convert("RGBA")
    small.thumbnail(THUMBNAIL)
    ground = Image.new("RGB", small.size, "white")
    ground.paste(small, mask=small.getchannel("A"))
    content = io.BytesIO()
    ground.save(content, "WEBP", quality=70)
    return content.getvalue()


def _card(identifier: str, figure: Figure, verdicts: Iterable[Verdict], root: Path) -> str:
    content = thumbnail(identifier, root)
    name = f"{figure.shows}: {figure.title}"
    picture = ""
    if content is not None:
        source = base64.b64encode(content).decode()
        width, height = (side // 2 for side in Image.open(io.BytesIO(content)).size)
        sides = f'width="{width}" height="{height}"'  # known before it is loaded, so that the page does not jump
        picture = f'<img src="data:image/webp;base64,{source}" alt="" {sides} loading="lazy">'
    counts = Counter(verdict.outcome for verdict in verdicts if identifier in verdict.claim.figures)
    outcomes = " ".join(f"{badge(outcome)} × {count}" for outcome, count in counts.items())
    return (
        f'<a class="figure-card" href="{identifier}.html">{picture}<span class="figure-card-name">{escape(name)}</span>'
        f'<span class="figure-card-outcomes">{outcomes}</span></a>'
    )
