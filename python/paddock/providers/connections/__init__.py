"""Clients of servers that providers of several capabilities share."""
