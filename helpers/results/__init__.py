"""Results: tables with their provenance and freshness, and stores of single results, all written atomically."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "TABLES": "helpers.results.registry",
        "Freshness": "helpers.results.freshness",
        "ItemStore": "helpers.results.item_store",
        "ProfileStudy": "helpers.results.study",
        "StoredItem": "helpers.results.item_store",
        "Table": "helpers.results.registry",
        "code_digest": "helpers.results.code",
        "collect_provenance": "helpers.results.provenance",
        "digest_of_images": "helpers.results.study",
        "find_table": "helpers.results.registry",
        "none_if_missing": "helpers.results.freshness",
        "open_studies": "helpers.results.study",
        "package_versions": "helpers.results.provenance",
        "read_provenance": "helpers.results.tables",
        "read_table": "helpers.results.tables",
        "results_folder": "helpers.results.tables",
        "run_key": "helpers.results.item_store",
        "write_table": "helpers.results.tables",
    },
)
