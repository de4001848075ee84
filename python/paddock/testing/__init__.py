"""Shipped test suites: whoever writes a provider proves it with them."""
