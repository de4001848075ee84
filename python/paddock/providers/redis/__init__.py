"""Clients for Redis servers that guests name."""
