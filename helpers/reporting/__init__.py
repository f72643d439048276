"""What every paper and chapter reports with: claims, effects, tables, words, provenance."""
