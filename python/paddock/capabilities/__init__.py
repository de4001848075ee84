"""Contracts: what a component may be given, without saying what gives it.

One small protocol for each capability. Nothing here knows a backend or a WIT.
"""
