"""Key-value stores: memory, SQLite."""
