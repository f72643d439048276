"""Printed pages joined into one PDF: bookmarks, page numbers, and links from page to page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import url2pathname

from helpers.core.files import atomic_file

if TYPE_CHECKING:
    from pypdf import PdfReader, PdfWriter

_FONT = "/KwmNumber"


@dataclass(frozen=True)
class Printed:
    """A printed page of the book.

    Attributes:
        path: the HTML file.
        title: its title.
        file: the PDF.
        length: its number of sheets.
        sections: the text and the anchor of each section.
    """

    path: Path
    title: str
    file: Path
    length: int
    sections: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, path: Path, title: str, file: Path, sections: Iterable[tuple[str, str]] = ()) -> Printed:
        """With the number of sheets that the PDF has."""
        from pypdf import PdfReader

        return cls(path, title, file, len(PdfReader(file).pages), tuple(sections))


@dataclass(frozen=True)
class _Place:
    """A place in the joined PDF: a sheet, counted from 0, and the distance from its lower edge in points."""

    sheet: int
    top: float | None = None


def join(front: Path, parts: Iterable[tuple[str, int]], printed: list[Printed], output: Path, *, title: str) -> None:
    """Join printed pages.

    Args:
        front: the PDF that stands before them: title page and contents.
        parts: the caption of each part, empty for none, and its number of pages.
        printed: the pages, in order.
        output: the file to write.
        title: the title of the book.
    """
    from pypdf import PdfReader, PdfWriter

    writer, first = PdfWriter(), Printed.read(Path("/front.html"), title, front)
    starts: dict[Path, int] = {}
    places: dict[tuple[Path, str], _Place] = {}
    owners: list[Path] = []
    for one in [first, *printed]:
        reader, start = PdfReader(one.file), len(owners)
        starts[one.path] = start
        owners += [one.path] * one.length
        for name, place in _anchors(reader):
            places[one.path, name] = _Place(start + place.sheet, place.top)
        writer.append(reader, import_outline=False)
    for sheet, owner in enumerate(owners):
        _mend_links(writer, sheet, owner, starts, places)
        if sheet:
            _number(writer, sheet)
    _bookmarks(writer, parts, printed, starts, places)
    writer.add_metadata({"/Title": title})
    writer.page_mode = "/UseOutlines"
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    with atomic_file(output) as stream:
        writer.write(stream)


def _anchors(reader: PdfReader) -> Iterable[tuple[str, _Place]]:
    for name, destination in reader.named_destinations.items():
        sheet = reader.get_destination_page_number(destination)
        if sheet is not None and sheet >= 0:
            yield unquote(name.lstrip("/")), _Place(sheet, _top(destination))


def _top(destination: Any) -> float | None:
    try:
        return float(destination.top)
    except (TypeError, ValueError, AttributeError):
        return None


def _mend_links(
    writer: PdfWriter, sheet: int, owner: Path, starts: dict[Path, int], places: dict[tuple[Path, str], _Place]
) -> None:
    """Let links between pages lead to their places, and take those to other local files away."""
    from pypdf.generic import ArrayObject, NameObject

    page = writer.pages[sheet]
    kept = ArrayObject()
    for reference in page.get("/Annots", ()):
        link = reference.get_object()
        if link.get("/Subtype") != "/Link":
            kept.append(reference)
            continue
        address = _address(link, owner)
        if address is None or urlsplit(address).scheme not in ("file", "data", ""):
            kept.append(reference)
            continue
        target, anchor = urldefrag(address)
        path = Path(url2pathname(urlsplit(target).path))
        place = places.get((path, unquote(anchor)))
        if place is None and path in starts:
            place = _Place(starts[path])
        if place is None:
            continue
        for key in ("/A", "/Dest"):
            if key in link:
                del link[key]
        link[NameObject("/Dest")] = _destination(writer, place)
        kept.append(reference)
    if "/Annots" in page:
        page[NameObject("/Annots")] = kept


def _address(link: Any, owner: Path) -> str | None:
    """Where a link leads: an address on the web or of a file; None if it leads nowhere that can be told."""
    action = link.get("/A")
    action = action.get_object() if action is not None else {}
    if "/URI" in action:
        return str(action["/URI"])
    destination = action.get("/D", link.get("/Dest"))
    return f"{owner.as_uri()}#{str(destination).lstrip('/')}" if isinstance(destination, str) else None


def _destination(writer: PdfWriter, place: _Place) -> Any:
    from pypdf.generic import ArrayObject, FloatObject, NameObject, NullObject

    page = writer.pages[place.sheet].indirect_reference
    top = NullObject() if place.top is None else FloatObject(place.top)
    return ArrayObject([page, NameObject("/XYZ"), NullObject(), top, NullObject()])


def _number(writer: PdfWriter, sheet: int) -> None:
    """Print the number of a sheet at its foot."""
    from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject

    page, text = writer.pages[sheet], str(sheet + 1)
    resources: Any = page["/Resources"].get_object()
    fonts: Any = resources.get("/Font", DictionaryObject()).get_object()
    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    fonts[NameObject(_FONT)] = DictionaryObject({NameObject(key): NameObject(name) for key, name in names.items()})
    resources[NameObject("/Font")] = fonts
    left = float(page.mediabox.width) / 2 - 2.5 * len(text)
    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q\n")  # what the page changes ends with it
    after.set_data(f"\nQ BT {_FONT} 9 Tf 0.35 g {left:.1f} 28 Td ({text}) Tj ET\n".encode())
    contents = page["/Contents"].get_object()
    streams = list(contents) if isinstance(contents, ArrayObject) else [page.raw_get("/Contents")]
    added = [writer._add_object(stream) for stream in (before, after)]
    page[NameObject("/Contents")] = ArrayObject([added[0], *streams, added[1]])


def _bookmarks(
    writer: PdfWriter,
    parts: Iterable[tuple[str, int]],
    printed: list[Printed],
    starts: dict[Path, int],
    places: dict[tuple[Path, str], _Place],
) -> None:
    """A bookmark for each part, in it one for each page, in it one for each section of the page."""
    index = 0
    for caption, count in parts:
        first = starts[printed[index].path]
        part = writer.add_outline_item(title=caption, page_number=first, is_open=False) if caption else None
        for one in printed[index : index + count]:
            item = writer.add_outline_item(title=one.title, page_number=starts[one.path], parent=part, is_open=False)
            for text, anchor in one.sections:
                place = places.get((one.path, anchor))
                if place is not None:
                    writer.add_outline_item(title=text, page_number=place.sheet, parent=item, is_open=False)
        index += count
