"""Capabilities on real things: `providers/<capability>/<type>.py`.

Nobody imports a provider by name; `paddock.providers.registry` finds it.
"""
