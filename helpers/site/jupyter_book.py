"""The command `jupyter-book` as a module, which a build can start warm (`helpers.site.warm`)."""

from jupyter_book.cli.main import main

if __name__ == "__main__":
    main(prog_name="jupyter-book")
