"""Results: tables with their provenance and freshness, and the items of a long run; no kill loses or tears one."""

from helpers.results.code import code_digest
from helpers.results.freshness import Freshness, known
from helpers.results.item_store import ItemStore, StoredItem, run_key
from helpers.results.provenance import collect_provenance, package_versions
from helpers.results.registry import TABLES, Table, find_table
from helpers.results.study import ProfileStudy, digest_of_images, open_studies
from helpers.results.tables import read_provenance, read_table, results_folder, write_table

__all__ = [
    "TABLES",
    "Freshness",
    "ItemStore",
    "ProfileStudy",
    "StoredItem",
    "Table",
    "code_digest",
    "collect_provenance",
    "digest_of_images",
    "find_table",
    "known",
    "open_studies",
    "package_versions",
    "read_provenance",
    "read_table",
    "results_folder",
    "run_key",
    "write_table",
]
