"""From executed notebooks to the published HTML."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from helpers.core.files import ROOT
from helpers.site.registry import load_registry
from helpers.site.source import is_executable

BOOK_PROFILE = "quick"  # the profile that the book's own pages run; larger ones come in as committed results
SITE = "_build/site"
HTML = "_build/html"
COMPLETE = f"{HTML}/.complete"  # written last: a build that stopped half-way has no such file


class BuildError(ValueError):
    """Jupyter Book reported a warning or an error; its output says which."""


def toc_pages(root: Path = ROOT) -> list[str]:
    """The pages in the table of contents, in order, as paths from the root with `.md`."""
    found: list[str] = []

    def collect(entry: object) -> None:
        if isinstance(entry, dict):
            found.extend(f"{entry[key]}.md" for key in ("root", "file") if key in entry)
        for part in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
            collect(part)

    collect(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8")))
    return found


def executed_path(page: str, root: Path = ROOT) -> Path | None:
    """Where the executed notebook of a page of the book is, from the root; None for a page without code."""
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
    kept = [path for path in book if path.suffix != ".md" or (path in pages and not is_executable(path))]
    return [root / "_config.yml", root / "_toc.yml", *kept]


def assemble(root: Path = ROOT) -> Path:
    """Lay out the sources of the site, with each executed notebook beside its page.

    The pages are kept but excluded from the build, so that a link to `wavelets.md` resolves to the notebook.

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
        shutil.copy2(root / path, (site / page).with_suffix(".ipynb"))
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    settings.setdefault("execute", {})["execute_notebooks"] = "off"
    extensions = settings.get("sphinx", {}).get("local_extensions", {})
    extensions.update({name: str((root / path).resolve()) for name, path in extensions.items()})
    settings["exclude_patterns"] = [*settings.get("exclude_patterns", []), *executed]
    (site / "_config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return site


def build(root: Path = ROOT) -> Path:
    """Build the HTML with warnings as errors; it replaces the former HTML only on success.

    Returns:
        The folder, `_build/html`.

    Raises:
        BuildError: Jupyter Book reported a warning or an error.
    """
    site = assemble(root)
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    # --all: an incremental build would not repeat the warnings of an earlier one
    command = [str(jupyter_book), "build", str(site), "-n", "-W", "--keep-going", "--all", "-q"]
    done = subprocess.run(command, cwd=root, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise BuildError(f"Jupyter Book found warnings or errors; the HTML was left as it was.\n\n{done.stdout}")
    html, former = root / HTML, root / "_build/html-former"
    shutil.rmtree(former, ignore_errors=True)
    if html.exists():
        os.replace(html, former)
    os.replace(site / "_build" / "html", html)
    shutil.rmtree(former, ignore_errors=True)
    (root / COMPLETE).touch()
    return html
