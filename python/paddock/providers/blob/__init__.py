"""Blob stores: memory, files, S3, NATS."""
