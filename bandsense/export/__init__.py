"""Files in and out: traces of other tools to read; sessions as CSV, JSON, Parquet and FIT to write."""
