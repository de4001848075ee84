"""What makes a component run, apart from HTTP, which the core serves.

`source` is the contract of a trigger, `runner` carries its events to a component
with the guarantees that are the same for all, `registry` finds the classes.
"""
