"""The pages and the interface for programs: one server that lives longer than any session."""
