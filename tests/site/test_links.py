"""Links to other sites: what is followed, what is ignored, and what the report says."""

import functools
import http.server
import json
import re
import subprocess
import threading
from pathlib import Path

import pytest
import yaml
from sphinx.application import Sphinx

from helpers.core.files import ROOT
from helpers.site import html, links
from helpers.site.html import BuildError
from helpers.site.links import REPORT, follow_links, link_report

SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]


class Site(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200 if self.path == "/here" else 404)
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Site))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def follow(folder: Path, text: str, monkeypatch, ignored: list[str] = ()) -> Path:
    """The report on a site of one page, by the builder that Jupyter Book calls."""
    site = folder / "_build/site"
    (site / "book").mkdir(parents=True)
    (site / "index.rst").write_text(text)

    def run(command, **_):
        assert command[-4:] == ["--builder", "linkcheck", "--all", "-q"]
        options = {**{key: value for key, value in SETTINGS.items() if key.startswith("linkcheck_")}}
        options |= {"linkcheck_ignore": ignored, "linkcheck_retries": 1}
        options["linkcheck_report_timeouts_as_broken"] = True
        app = Sphinx(site, None, site / "_build/linkcheck", site / "_build/trees", "linkcheck", options, status=None)
        app.build()
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(links, "assemble", lambda root: site)
    monkeypatch.setattr(html.subprocess, "run", run)
    return follow_links(folder)


@pytest.mark.filterwarnings("ignore:The default value for .linkcheck")
def test_a_link_that_leads_nowhere_is_an_error(tmp_path, address, monkeypatch):
    text = f"Links\n=====\n\n`a <{address}/here>`_ `b <{address}/gone>`_\n"
    with pytest.raises(BuildError, match=r"/gone$") as raised:
        follow(tmp_path, text, monkeypatch)
    assert "/here" not in str(raised.value)
    report = (tmp_path / REPORT).read_text()
    assert report.startswith(f"broken     {address}/gone\n")
    assert f"working    {address}/here\n" in report
    assert "in index.rst" in report


@pytest.mark.filterwarnings("ignore:The default value for .linkcheck")
def test_without_a_connection_it_says_so_in_one_line(tmp_path, monkeypatch):
    text = "Links\n=====\n\n`a <http://127.0.0.1:9/a>`_ `b <http://127.0.0.1:9/b>`_\n"
    with pytest.raises(BuildError, match=r"none of 2 addresses answered.*no connection to the internet") as raised:
        follow(tmp_path, text, monkeypatch)
    assert len(str(raised.value).splitlines()) == 1
    assert "127.0.0.1:9/a" in (tmp_path / REPORT).read_text()


@pytest.mark.filterwarnings("ignore:The default value for .linkcheck")
def test_a_site_that_lacks_the_page_is_there(tmp_path, address, monkeypatch):
    with pytest.raises(BuildError, match="lead nowhere"):
        follow(tmp_path, f"Links\n=====\n\n`b <{address}/gone>`_\n", monkeypatch)


@pytest.mark.filterwarnings("ignore:The default value for .linkcheck")
def test_ignored_addresses_are_not_followed(tmp_path, address, monkeypatch):
    report = follow(tmp_path, f"Links\n=====\n\n`b <{address}/gone>`_\n", monkeypatch, [f"{address}/gone"])
    assert report.read_text().startswith(f"ignored    {address}/gone")


def test_the_report_has_each_address_once():
    row = {"uri": "https://a.org", "status": "working", "info": "", "filename": "x.md"}
    rows = [row, {**row, "filename": "w.md"}, {**row, "uri": "local.md", "status": "local"}]
    assert link_report(json.loads(json.dumps(rows))) == "working    https://a.org\n           in w.md, x.md\n"


def test_few_addresses_are_ignored():
    """Those of the ACM, whose site answers programs with 403, and those of the reader's own machine."""
    ignored = [re.compile(pattern) for pattern in SETTINGS["linkcheck_ignore"]]
    page = (ROOT / "book/references.bib").read_text(encoding="utf-8")
    papers = [f"https://doi.org/{doi}" for doi in re.findall(r"doi *= *\{([^}]+)\}", page)]
    skipped = {address for address in papers if any(pattern.match(address) for pattern in ignored)}
    assert len(papers) >= 4
    assert all("/10.1145/" in address for address in skipped)
    assert any(pattern.match("http://localhost:8888/lab") for pattern in ignored)
    assert not any(pattern.match("https://localhost.org/") for pattern in ignored)
