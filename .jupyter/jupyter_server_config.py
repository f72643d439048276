"""Settings of `make lab`: opening and saving a page leave its text as it is (helpers.site.lab)."""

c.ServerApp.contents_manager_class = "helpers.site.lab.PageManager"
