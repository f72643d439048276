"""A Sphinx extension for the pages: those continued in a shared source, the reference, pictures, and lighter HTML.

`make book` builds from executed notebooks, which are complete; `jupyter-book build .` continues pages itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from docutils import nodes

from helpers.site.architecture import with_diagram
from helpers.site.chapters import load_chapters
from helpers.site.html import EDITIONS
from helpers.site.measured import with_measured
from helpers.site.page_heads import add_head
from helpers.site.picture_tags import add_svg_files, depart_image, link_to_svg, visit_image
from helpers.site.polish import polish_site
from helpers.site.reference import definition, plain_text, with_reference
from helpers.site.repository import add_buttons, link_button, with_address
from helpers.site.source import continued
from helpers.site.status import with_status
from helpers.site.student_runs import with_student_runs

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension: each page is completed before Sphinx parses it, each docstring before napoleon does."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.connect("source-read", _complete)
    app.connect("autodoc-process-docstring", _read_docstring, priority=400)  # napoleon has 500
    app.connect("autodoc-skip-member", _skip_field)
    app.connect("autodoc-process-signature", _trim_shapes)
    app.connect("missing-reference", _find_definition)
    app.connect("doctree-resolved", link_to_svg)
    app.connect("html-page-context", add_buttons, priority=502)  # the theme's have 501
    app.connect("html-page-context", _offer_edition, priority=502)
    app.connect("html-page-context", add_head)
    app.connect("build-finished", add_svg_files)
    app.connect("build-finished", _polish)
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    return {"parallel_read_safe": True}


def _complete(app: Sphinx, document: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(document))
    if page.suffix == ".md":
        text = with_measured(with_address(with_reference(continued(source[0], page))))
        source[0] = with_student_runs(with_diagram(with_status(text, page)), page)


def _polish(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        polish_site(Path(app.outdir))


def _offer_edition(
    app: Sphinx, name: str, template: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    """Add the students' notebook to the downloads of a chapter; `python -m helpers editions` makes it."""
    if f"{name}.md" not in load_chapters():
        return
    downloads = next(each for each in context["header_buttons"] if each.get("label") == "download-buttons")
    url = context["pathto"](f"{EDITIONS}/student/{Path(name).name}.ipynb", resource=True)
    tooltip = "Without solutions, with a cell for each answer"
    icon, label = "fas fa-graduation-cap", "download-student-button"
    downloads["buttons"].append(link_button("Notebook for students", url, icon, label, tooltip))


def _read_docstring(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    lines[:] = plain_text(lines)


def _skip_field(app: Sphinx, what: str, name: str, value: object, skip: bool, options: object) -> bool | None:
    """Fields of named tuples are listed with their class; Python gives them a docstring that says nothing."""
    return True if (getattr(value, "__doc__", None) or "").startswith("Alias for field number") else None


def _trim_shapes(
    app: Sphinx, what: str, name: str, value: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Signatures as one reads them; none for a model of pydantic's, whose class lists its fields.

    Without the space with which a shape of one axis begins in the code, for linters: `Float[Tensor, " batch"]`.
    """
    if hasattr(value, "model_fields"):
        return "", None
    trimmed = [text and re.sub(r", ' (?=[\w*#])", ", '", text) for text in (signature, returned)]
    return trimmed[0], trimmed[1]


def _find_definition(app: Sphinx, environment: BuildEnvironment, node: pending_xref, text: Element) -> Element | None:
    """The link of a name that a package exports; the text alone of a type variable."""
    target = str(node.get("reftarget"))
    if node.get("refdomain") != "py" or not target.startswith("helpers."):
        return None
    value = definition(target)
    if isinstance(value, TypeVar):
        return text
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if name is None or f"{module}.{name}" == target:
        return None
    document, python = node["refdoc"], environment.get_domain("py")
    return python.resolve_xref(environment, document, app.builder, "obj", f"{module}.{name}", node, text)
