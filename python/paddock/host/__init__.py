"""One host: the composition root, and the only place where a host is changed.

`host.Host.apply` is that place; `serve` is the life of `paddock up`. Nothing is
imported here, so that a command pays only for what it uses.
"""
