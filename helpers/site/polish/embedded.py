"""Pictures and tables that a page contains as `data:` URLs, as files of their own that a browser loads when needed.

In a notebook they must be part of the page; in the book a slider of twenty frames would be loaded with the text.
"""

from __future__ import annotations

import base64
import hashlib
import re

LEAST = 1024  # bytes; a smaller picture costs less in the page than another request
_ENDINGS = {
    "image/webp": "webp",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/svg+xml": "svg",
    "text/csv": "csv",
    "application/json": "json",
}
_EMBEDDED = re.compile(
    r'<(?P<tag>img|a)\b[^<>]*? (?:src|href)="(?P<url>data:(?P<kind>[\w/+-]+);base64,(?P<data>[^"]+))"[^<>]*>'
)
_NAME = re.compile(r' download="([\w.-]+)"')
_ROOT = re.compile(r'data-content_root="([^"]*)"')
_LIVE = re.compile(r'data-live-data="data:application/gzip;base64,(?P<data>[^"]+)"')
_FRAME = re.compile(r'<figure class="(kwm-frame[^"]*)">(<img\b[^>]*? width="(\d+)" height="(\d+)")')


def separate_files(html: str) -> tuple[str, dict[str, bytes]]:
    """A page with addresses of files in the place of its `data:` URLs, and these files.

    Each frame of a slider also gets its size, so that it keeps its place before its picture is loaded.

    Returns:
        The page, and the bytes of each file by its path from the root of the site: `_images/<SHA-256>.webp`, of
        downloads `_downloads/<SHA-256>/<name>`, and of data for computations in the browser `_images/<SHA-256>.js`.
    """
    root = _ROOT.search(html)
    files: dict[str, bytes] = {}

    def separate(tag: re.Match[str]) -> str:
        content = base64.b64decode(tag["data"])
        ending, name = _ENDINGS.get(tag["kind"]), _NAME.search(tag[0])
        if ending is None or (tag["tag"] == "img" and len(content) < LEAST):
            return tag[0]
        digest = hashlib.sha256(content).hexdigest()[:32]
        path = f"_images/{digest}.{ending}" if name is None else f"_downloads/{digest}/{name[1]}"
        files[path] = content
        return tag[0].replace(tag["url"], f"{root[1] if root else ''}{path}", 1)

    def separate_data(attribute: re.Match[str]) -> str:
        digest = hashlib.sha256(attribute["data"].encode()).hexdigest()[:32]
        path = f"_images/{digest}.js"
        # a script, since a page that is opened from disk can load nothing else
        files[path] = f'keepWhatMattersFile("{digest}","{attribute["data"]}")\n'.encode()
        return f'data-live-data="{root[1] if root else ""}{path}"'

    html = _EMBEDDED.sub(separate, html)
    html = _LIVE.sub(separate_data, html)
    size = r'<figure class="\1" style="--width:\3px;--shape:\3/\4">\2'
    return _FRAME.sub(size, html), files
