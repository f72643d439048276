"""The Content-Security-Policy of the built pages: what it names by hand-made cases, and that a browser obeys it."""

import base64
import hashlib
import re

import pytest
from bs4 import BeautifulSoup

from helpers.site.polish import handler_tags, separate_handlers, with_policy

PAGE = (
    '<html lang="en" data-content_root="../"><head><meta charset="utf-8" /><title>x</title>{head}</head>{body}</html>'
)
SLIDER = '<input type="range" onfocus="a(&#x27;b&#x27;)" oninput="var c=1&lt;2;d(this)"/>'


def rules(html):
    """The policy of a page, by directive."""
    (tag,) = BeautifulSoup(html, "html.parser").find_all("meta", {"http-equiv": "Content-Security-Policy"})
    directives = (each.split() for each in tag["content"].split(";"))
    return {name: values for name, *values in directives}


def sha256(script):
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


class TestPolicy:
    def test_each_script_in_the_page_is_named_and_no_other_runs(self):
        head = "<script>a()</script><script data-x='y'>\n b(1) </script><script src='c.js'></script>"
        state = '<script type="application/vnd.jupyter.widget-state+json">{"d": 1}</script><!-- <script>e</script> -->'
        script_rules = rules(with_policy(PAGE.format(head=head, body=state)))["script-src"]
        assert set(script_rules) == {"'self'", "file:", sha256("a()"), sha256("\n b(1) ")}

    def test_it_stands_before_all_that_the_page_loads(self):
        page = with_policy(PAGE.format(head='<link rel="stylesheet" href="x"/>', body=""))
        assert page.index("Content-Security-Policy") < page.index("<title>")
        assert with_policy('<meta http-equiv="Refresh"/>').startswith('<meta http-equiv="Content-Security-Policy"')

    def test_a_page_that_has_one_gets_it_anew(self):
        page = with_policy(PAGE.format(head="<script>a()</script>", body=""))
        assert with_policy(page) == page
        assert sha256("b()") in rules(with_policy(page.replace("a()", "b()")))["script-src"]

    @pytest.mark.parametrize("script", ["_static/live.js?v=1", "_static/try-it.js"])
    def test_only_pages_with_live_parts_may_compute(self, script):
        plain, live = (
            rules(with_policy(PAGE.format(head=head, body=""))) for head in ("", f'<script src="../{script}">')
        )
        assert plain["worker-src"] == ["'none'"]
        assert "'wasm-unsafe-eval'" not in plain["script-src"]
        assert "'wasm-unsafe-eval'" in live["script-src"]
        assert "blob:" in live["worker-src"]
        assert not {"'unsafe-eval'", "'unsafe-inline'", "'unsafe-hashes'"} & {*plain["script-src"], *live["script-src"]}


class TestHandlers:
    def test_they_become_scripts_that_do_the_same(self):
        page, files = separate_handlers(PAGE.format(head="", body=SLIDER))
        slider = BeautifulSoup(page, "html.parser").input
        assert not [name for name in slider.attrs if name.startswith("on")]
        for event, code in (("focus", "a('b')"), ("input", "var c=1<2;d(this)")):
            name = f"_static/handlers/{slider[f'data-on-{event}']}.js"
            assert f"(function () {{ {code} }}).call(element)" in files[name].decode()
            assert f'<script defer src="../{name}"></script>\n' in page
        assert separate_handlers(page) == (page, {})

    def test_alike_ones_share_a_script(self):
        assert len(separate_handlers(PAGE.format(head="", body=SLIDER * 3))[1]) == 2

    def test_text_that_looks_like_one_stays(self):
        page = PAGE.format(
            head="<script>x = '<i onclick=\"y\">'</script>", body='<!-- <i onclick="y"> --><p>onclick="y"</p>'
        )
        assert separate_handlers(page) == (page, {})

    def test_a_part_of_a_page_names_its_scripts(self):
        page, files = separate_handlers(PAGE.format(head="", body=SLIDER))
        assert re.findall(r'src="\.\./([^"]+)"', handler_tags(page.partition("</head>")[2], "../")) == sorted(files)


def test_every_page_of_the_book_has_one_and_none_has_a_handler(html):
    pages = [path for path in html.rglob("*.html") if not path.is_relative_to(html / "_static")]
    assert len(pages) > 100
    for path in pages:
        text = path.read_text(encoding="utf-8")
        policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
        assert len(policy) == 1, path
        assert "'unsafe-eval'" not in policy[0], path
        assert policy[0].partition("script-src ")[2].partition(";")[0].count("unsafe") <= 1, path  # wasm-unsafe-eval
        assert not re.search(r"<[a-z][^<>]* on[a-z]+=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)), path
        for name in re.findall(r'data-on-[a-z]+="(\w+)"', text):
            assert f"_static/handlers/{name}.js" in text, path
            assert (html / f"_static/handlers/{name}.js").is_file(), path


INJECTED = """() => new Promise(resolve => {
    const refused = [];
    document.addEventListener('securitypolicyviolation', each => refused.push(each.effectiveDirective));
    document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.harmed = 1">');
    const script = document.createElement('script');
    script.textContent = 'window.harmed = 2';
    document.body.append(script);
    // later, since DevTools lets its own call evaluate
    setTimeout(() => { try { new Function('window.harmed = 3')() } catch (error) { refused.push(error.name) } });
    fetch('http://127.0.0.2:9/').catch(() => refused.push('fetch'));
    setTimeout(() => resolve([window.harmed ?? null, refused.sort()]), 500);
})"""


@pytest.mark.parametrize("origin", ["http", "disk"])
def test_a_browser_runs_nothing_that_was_put_into_a_page(html, address, browser, origin):
    tab = browser.new_page()
    tab.goto(f"{address if origin == 'http' else html.as_uri()}/book/intro.html", wait_until="load")
    harmed, refused = tab.evaluate(INJECTED)
    tab.close()
    assert harmed is None, refused
    assert {"script-src-elem", "script-src-attr", "EvalError", "connect-src"} <= set(refused)


@pytest.mark.parametrize("origin", ["http", "disk"])
def test_the_speakers_view_of_the_slides_runs_under_it(html, address, browser, origin):
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{address if origin == 'http' else html.as_uri()}/slides/session-2.html", wait_until="load")
    tab.wait_for_function("window.Reveal ? Reveal.isReady() : document.querySelector('.reveal.ready') !== null")
    with context.expect_page() as opened:
        tab.keyboard.press("s")
    # its script fills in the clock
    opened.value.wait_for_function("document.querySelector('.clock-value').innerText.includes(':')", timeout=20_000)
    context.close()
