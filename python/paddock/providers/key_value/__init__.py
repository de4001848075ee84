"""Key-value stores: memory, SQLite, files, Redis, NATS JetStream, Postgres."""
