"""From executed notebooks to the published HTML."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from helpers.core.files import ROOT
from helpers.site import warm
from helpers.site.environment import clean_environment
from helpers.site.pictures import picture_files
from helpers.site.polish import with_policy
from helpers.site.reference import reference_sources
from helpers.site.registry import load_registry
from helpers.site.source import is_executable

BOOK_PROFILE = "quick"  # the profile of the book's pages; of larger ones, pages read committed results
SITE = "_build/site"
HTML = "_build/html"
EDITIONS = "editions"  # the folder, in that of the HTML, of the notebooks for students and teachers
BUNDLES = "_build/web"  # the scripts of web/, bundled; without live.js where npm's registry could not be reached
EXPORTS = "_build/playground"  # the networks, as files for the browser
COMPLETE = f"{HTML}/.complete"  # written last: an interrupted build has no such file


class BuildError(ValueError):
    """Jupyter Book reported warnings or errors; the message has its output."""

    exit_status = 1  # no mistake of the command's user


def toc_pages(root: Path = ROOT) -> list[str]:
    """The pages in the table of contents, in order, as paths from the root with `.md`."""
    return _pages_of(_contents(root))


def toc_parts(root: Path = ROOT) -> list[tuple[str, list[str]]]:
    """The parts of the table of contents, in order: the caption, and the pages as in `toc_pages`."""
    return [(part.get("caption", ""), _pages_of(part)) for part in _contents(root).get("parts", ())]


def _contents(root: Path) -> dict[str, Any]:
    contents: dict[str, Any] = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return contents


def _pages_of(entry: object) -> list[str]:
    pages = [f"{entry[key]}.md" for key in ("root", "file") if key in entry] if isinstance(entry, dict) else []
    for child in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        pages += _pages_of(child)
    return pages


def executed_path(page: str, root: Path = ROOT) -> Path | None:
    """The path, from the root, of the executed notebook of a page; None for a page without code."""
    if not is_executable(root / page):
        return None
    identifier = Path(page).stem
    if identifier in load_registry(root):
        return Path("_build/figures") / BOOK_PROFILE / f"{identifier}.ipynb"
    return Path("_build/pages") / Path(page).with_suffix(".ipynb")


def site_files(root: Path = ROOT) -> list[Path]:
    """The files of the site besides executed notebooks: settings, pages without code, references, pictures."""
    book = [path for path in sorted((root / "book").rglob("*")) if path.is_file() and path.suffix != ".ipynb"]
    pages = {root / page for page in toc_pages(root)}
    sources = [path for path in book if path.suffix != ".md" or (path in pages and not is_executable(path))]
    return [root / "_config.yml", root / "_toc.yml", *sources]


def site_inputs(root: Path = ROOT) -> list[Path]:
    """What the site is made from besides executed notebooks: its files, and the modules shown in the reference."""
    files = site_files(root)
    return files + [source for path in files if path.suffix == ".md" for source in reference_sources(path, root)]


def assemble(root: Path = ROOT) -> Path:
    """Copy the sources of the site into one folder, with each executed notebook beside its page.

    The pages are there too, but excluded from the build, so that a link to `wavelets.md` resolves to the notebook.

    Returns:
        The folder, `_build/site`.
    """
    site = root / SITE
    shutil.rmtree(site, ignore_errors=True)
    executed = {page: path for page in toc_pages(root) if (path := executed_path(page, root)) is not None}
    for path in [*site_files(root), *(root / page for page in executed)]:
        target = site / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    for page, path in executed.items():
        for part in (root / path, *picture_files(root / path)):
            shutil.copy2(part, (site / page).with_name(part.name))
    # a book that is built without live parts offers none
    button = (root / BUNDLES / "stub.js").read_bytes() if can_be_live(root) else b""
    (site / "book/_static").mkdir(parents=True, exist_ok=True)
    (site / "book/_static/live.js").write_bytes(button)
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    settings.setdefault("execute", {})["execute_notebooks"] = "off"
    extensions = settings.get("sphinx", {}).get("local_extensions", {})
    extensions.update({name: str((root / path).resolve()) for name, path in extensions.items()})
    settings["exclude_patterns"] = [*settings.get("exclude_patterns", []), *executed]
    (site / "_config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return site


def can_be_live(root: Path = ROOT) -> bool:
    """Whether all that runs in the reader's browser is built: scripts, runtime and networks."""
    return (root / BUNDLES / "live.js").is_file() and (root / EXPORTS / "models/manifest.json").is_file()


def run_jupyter_book(site: Path, *options: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run `jupyter-book build` over the assembled site, as quietly as it can, in an environment of its own.

    Args:
        site: the folder of `assemble`.
        options: further options.
        root: the clone.

    Returns:
        The finished process, whose `stdout` also has what it wrote as errors.
    """
    jupyter_book = [sys.executable, *warm.COMMAND, "helpers.site.jupyter_book"]
    # --all: an incremental build would not repeat earlier warnings
    command = [*jupyter_book, "build", str(site), *options, "--all", "-q"]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    with tempfile.TemporaryDirectory() as folder:
        environment = clean_environment(Path(folder))
        return subprocess.run(command, cwd=root, env=environment, check=False, **output)  # type: ignore[call-overload, no-any-return]


def build(root: Path = ROOT) -> Path:
    """Build the HTML, with warnings as errors; it replaces the previous HTML only on success.

    Returns:
        The folder, `_build/html`.

    Raises:
        BuildError: Jupyter Book reported a warning or an error.
    """
    site = assemble(root)
    process = run_jupyter_book(site, "-n", "-W", "--keep-going", root=root)
    if process.returncode:
        raise BuildError(f"Jupyter Book reported warnings or errors; the HTML was not replaced.\n\n{process.stdout}")
    # Jupyter Book writes the page that leads to the first one, after Sphinx
    start = site / "_build/html/index.html"
    start.write_text(with_policy(start.read_text(encoding="utf-8")), encoding="utf-8")
    html, previous = root / HTML, root / "_build/html-previous"
    shutil.rmtree(previous, ignore_errors=True)
    if html.exists():
        os.replace(html, previous)
    os.replace(site / "_build" / "html", html)
    shutil.rmtree(previous, ignore_errors=True)
    (root / COMPLETE).touch()
    return html
