"""Designs by name, or from a file of the user's own."""

from __future__ import annotations

import importlib.util
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from softsnp.lang import SpecError
from softsnp.lang.source_rules import check_class
from softsnp.spec.activities import Host
from softsnp.spec.catalog import DESIGNS, with_ioctls

from .errors import UsageError, unknown

HOW = (
    "  write: from softsnp.spec.designs import RmpoptV10\n"
    "         class MyIdea(RmpoptV10): …\n"
    "  see: examples/my_idea.py"
)


@dataclass(frozen=True)
class DesignRef:
    """Where a design is: a name of the lineage, or a class in a file. Another process can load it.

    ``shown`` is what the user sees and types.
    """

    name: str
    path: str = ""
    class_name: str = ""

    @property
    def shown(self) -> str:
        return self.path or self.name

    def load(self, ioctls: str | None = None) -> type[Host]:
        if not self.path:
            design = DESIGNS[self.name]
        else:
            found = {d.__name__: d for d in classes_of(Path(self.path))}
            design = found[self.class_name]
        check_class(design, checked="softsnp.spec.")
        return with_ioctls(design, ioctls) if ioctls else design


def find(text: str) -> list[DesignRef]:
    """The designs that a command line argument means.

    Raises UsageError for an unknown name, and for a file in which no design is found.
    """
    if text in DESIGNS:
        return [DesignRef(text)]
    if not text.endswith(".py"):
        if Path(text).exists():
            raise UsageError(
                f"{text} is no design file: its name must end in .py\n  wrote: {text}\n{HOW}"
            )
        raise unknown("design", text, DESIGNS, "designs")
    path = Path(text)
    if not path.is_file():
        raise UsageError(f"no file {text}")
    return [DesignRef(name_of(d), text, d.__name__) for d in classes_of(path)]


def find_one(text: str, verb: str) -> DesignRef:
    """The only design that an argument of a verb means. Raises UsageError, as find()."""
    found = find(text)
    if len(found) > 1:
        names = ", ".join(d.name for d in found)
        raise UsageError(f"{text} defines {names}; {verb} wants a file with one design")
    return found[0]


def name_of(design: type[Host]) -> str:
    """Its own ``name``, or its class name in kebab-case."""
    own = vars(design).get("name")
    if isinstance(own, str) and own:
        return own
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", design.__name__).lower()


def classes_of(path: Path) -> list[type[Host]]:
    """The design classes that a file defines, in the order of its lines."""
    module = load_module(path)
    classes = [v for v in vars(module).values() if isinstance(v, type)]
    own = [c for c in classes if c.__module__ == module.__name__ and c.__name__[0] != "_"]
    found = [c for c in own if issubclass(c, Host)]
    if not found:
        others = ", ".join(c.__name__ for c in own) or "no class at all"
        raise UsageError(
            f"{path} defines no design: it has {others}, and a design is a class that derives "
            f"from a kernel or another design\n{HOW}"
        )
    for design in found:
        design.name = name_of(design)
    return found


def load_module(path: Path) -> ModuleType:
    """Run a user's file. Whatever it raises becomes one message with file and line."""
    name = f"softsnp_design_{re.sub(r'[^0-9A-Za-z]', '_', str(path.resolve()))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    writes = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        line = (error.text or "").strip()
        raise UsageError(
            f"{error.filename}:{error.lineno}: does not parse: {error.msg}\n  wrote: {line}"
        ) from None
    except SpecError:
        del sys.modules[name]
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UsageError(f"{where(error, path)}: {type(error).__name__}: {error}") from None
    finally:
        sys.dont_write_bytecode = writes
    return module


def where(error: BaseException, path: Path) -> str:
    """``file:line`` of the deepest frame of a traceback that is in the user's file."""
    place = str(path)
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).resolve() == path.resolve():
            place = f"{path}:{frame.lineno}"
    return place
