"""A virtual radio in one process, and bleak backends on it."""
