"""WIT facades: each turns one interface's types into a capability's and back.

`catalogue` says what is offered and makes it; `grants` is what it is made from.
"""

from paddock.interfaces.catalogue import OFFERED, Offer, bind, find
from paddock.interfaces.grants import Grants
from paddock.interfaces.nearest import nearest

__all__ = ["OFFERED", "Grants", "Offer", "bind", "find", "nearest"]
