"""What is done to the HTML of the book after Sphinx has written it: lighter pages that everyone can use.

Each step is a function from the text of a page to its text, and leaves a page alone that was polished before.
"""

from helpers.site.polish.access import make_accessible
from helpers.site.polish.embedded import separate_files
from helpers.site.polish.icons import draw_icons, icon_font, read_icons
from helpers.site.polish.pictures import delay_pictures
from helpers.site.polish.policy import handler_tags, separate_handlers, with_policy
from helpers.site.polish.scripts import drop_unused
from helpers.site.polish.site import polish_page, polish_site

__all__ = [
    "delay_pictures",
    "draw_icons",
    "drop_unused",
    "handler_tags",
    "icon_font",
    "make_accessible",
    "polish_page",
    "polish_site",
    "read_icons",
    "separate_files",
    "separate_handlers",
    "with_policy",
]
