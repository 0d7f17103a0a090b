"""The language in which a system is specified. It knows nothing of what it is used for."""

from .driver import Change, Cube, Driver
from .errors import Impossible, OutOfDomain, SpecError
from .locks import Lock, Mutex, PercpuRwsem, Writer
from .population import Bit, Kind, Member, Population, Selection
from .property import Always, AlwaysPossible, LockOrder, Never, NoDeadlock, Property, Sometimes
from .specification import Specification, activity, declared
from .state import Assumption, Bool, Count, Detail, Field, OneOf, Parameter
from .steps import Step

__all__ = [
    "Always",
    "AlwaysPossible",
    "Assumption",
    "Bit",
    "Bool",
    "Change",
    "Count",
    "Cube",
    "Detail",
    "Driver",
    "Field",
    "Impossible",
    "Kind",
    "Lock",
    "LockOrder",
    "Member",
    "Mutex",
    "Never",
    "NoDeadlock",
    "OneOf",
    "OutOfDomain",
    "Parameter",
    "PercpuRwsem",
    "Population",
    "Property",
    "Selection",
    "Sometimes",
    "SpecError",
    "Specification",
    "Step",
    "Writer",
    "activity",
    "declared",
]
