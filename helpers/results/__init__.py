"""Results: tables with their provenance, and the items of a long run, written so that no kill loses or tears one."""

from helpers.core.files import atomic_write
from helpers.results.code_digest import code_digest
from helpers.results.item_store import ItemStore, StoredItem, run_key
from helpers.results.provenance import collect_provenance, package_versions
from helpers.results.tables import read_provenance, read_table, results_folder, write_table

__all__ = [
    "ItemStore",
    "StoredItem",
    "atomic_write",
    "code_digest",
    "collect_provenance",
    "package_versions",
    "read_provenance",
    "read_table",
    "results_folder",
    "run_key",
    "write_table",
]
