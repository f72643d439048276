"""The format of the code of pages: ruff's, with what only notebooks have left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.site.format_pages import format_pages, formatted_pages

PAGE = """\
# A page

```{code-cell} ipython3
:tags: [hide-input]

import os
%time 1+1
for (
    x
) in range( 3 ): print( x );
```

Text with `code( 1 )`, and a block that is no cell:

```python
f( 1 )
```

```{code-cell} ipython3
---
mystnb: {figure: {name: a}}
---
y  =  1;
```
"""
FORMATTED = """\
# A page

```{code-cell} ipython3
:tags: [hide-input]

%time 1+1
for x in range(3):
    print(x)
```

Text with `code( 1 )`, and a block that is no cell:

```python
f( 1 )
```

```{code-cell} ipython3
---
mystnb: {figure: {name: a}}
---
y = 1;
```
"""


@pytest.fixture
def page(tmp_path) -> Path:
    path = tmp_path / "book" / "page.md"
    path.parent.mkdir()
    path.write_text(PAGE)
    return path


def test_cells_are_formatted_and_nothing_else(page):
    assert formatted_pages([page])[page] == FORMATTED


def test_a_second_time_changes_nothing(page, tmp_path):
    assert format_pages(check=True, root=tmp_path) == [page]
    assert page.read_text() == PAGE
    assert format_pages(root=tmp_path) == [page]
    assert format_pages(root=tmp_path) == []


def test_what_is_not_python_is_an_error(page):
    page.write_text(PAGE.replace("y  =  1;", "y = = 1"))
    with pytest.raises(ValueError, match="cannot be formatted"):
        formatted_pages([page])


def test_all_pages_of_the_book_are_formatted():
    assert format_pages(check=True) == []
