"""Sinks for the messages of components."""
