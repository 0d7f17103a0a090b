"""What can be told from the source alone, before anything runs.

A position is the code, instruction and locals down a chain of awaits. CPython keeps half-finished
expressions and loop iterators on a value stack that cannot be seen from outside, so an ``await``
may stand only where that stack is empty. Calls that nobody awaits, and names that Python would
mangle, are refused here too.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from .errors import SpecError
from .specification import Specification

Function = ast.FunctionDef | ast.AsyncFunctionDef
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
STACKED: dict[type[ast.AST], tuple[str, str]] = {
    ast.For: (
        "an await inside a for loop: the loop's place is no local",
        "while …: with the loop's place in a local or a field; or while self.…set_one(…):",
    ),
    ast.AsyncFor: ("an async for: its iterator is no local", "while …: await …"),
    ast.With: ("an await inside a with block", "await self.mutex_lock(…), then unlock it"),
    ast.AsyncWith: ("an async with block", "await self.mutex_lock(…), then unlock it"),
    ast.ExceptHandler: ("an await inside an except block", "rc = … there, and await after it"),
    ast.Try: ("an await inside a finally block", "the await after the try statement"),
    ast.Match: ("an await inside a match statement", "if … elif … else"),
}
MAY_OVERRIDE = ("name", "members")
EXPRESSION = (
    "an await inside a larger expression: what is already computed there cannot be seen",
    "value = await …, then use the value",
)


def check_class(cls: type[Specification], checked: str = "") -> None:
    """Refuse what the language cannot run, in every function of a specification and its bases.

    ``checked``: a package whose own classes have passed already, and are looked at again only if
    an override changes what is to be awaited in them. Raises SpecError with the place in the
    author's file.
    """
    files: dict[str, dict[int, Function]] = {}
    declared = {*vars(Specification), *Specification.__annotations__}
    words = {name for name in declared if not name.startswith("__")}
    bases = [
        base
        for base in cls.__mro__
        if issubclass(base, Specification) and not base.__module__.startswith("softsnp.lang")
    ]
    new = [base for base in bases if not checked or not base.__module__.startswith(checked)]
    for base in bases if _awaited_otherwise(new, bases) else new:
        for name, value in vars(base).items():
            if name in words and name not in MAY_OVERRIDE:
                raise SpecError(
                    f"{base.__name__}.{name} hides a word of the language\n"
                    f"  wrote: {name}\n  write: another name",
                    _place(base, value),
                )
            if inspect.isfunction(value):
                _Rules(cls, value, files).check()


def _awaited_otherwise(new: list[type], bases: list[type]) -> bool:
    """Whether a class overrides a method that is awaited by one that is not, or the reverse."""
    methods = [
        {name: value for name, value in vars(base).items() if inspect.isfunction(value)}
        for base in bases
    ]
    own = {
        name: value
        for each, base in zip(methods, bases, strict=True)
        if base in new
        for name, value in each.items()
    }
    return any(
        awaitable(each[name]) != awaitable(value)
        for name, value in own.items()
        for each in methods
        if name in each
    )


def _place(base: type, value: object) -> str:
    if inspect.isfunction(value):
        return f"{value.__code__.co_filename}:{value.__code__.co_firstlineno}"
    return inspect.getsourcefile(base) or ""


class _Rules:
    """The rules for one function."""

    def __init__(
        self,
        cls: type[Specification],
        function: Callable[..., Any],
        files: dict[str, dict[int, Function]],
    ) -> None:
        code = function.__code__
        self.cls = cls
        self.function = function
        self.file: str = code.co_filename
        if self.file not in files:
            files[self.file] = _functions_by_line(self.file)
        found = files[self.file].get(code.co_firstlineno)
        if code.co_name == "<lambda>":
            self.node = None
            return
        if found is None:
            raise SpecError(
                f"the source of {code.co_qualname}() is not there, so its awaits cannot be checked",
                f"{self.file}:{code.co_firstlineno}",
            )
        self.node = found
        self.parents = {
            child: parent for parent in ast.walk(found) for child in ast.iter_child_nodes(parent)
        }

    def check(self) -> None:
        node = self.node
        if node is None:
            return
        self._name(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Yield | ast.YieldFrom):
                self._refuse(inner, "a yield: an activity steps by await", "await self.preempt() …")
            if isinstance(inner, ast.AsyncFunctionDef) and inner is not node:
                self._refuse(inner, "an async def inside another function", "a method of its own")
            if isinstance(inner, ast.Call):
                self._call(inner)
        allowed = set(_at_empty_stack(node.body))
        for inner in ast.walk(node):
            if isinstance(inner, ast.Await) and inner not in allowed:
                self._refuse(inner, *self._reason(inner))
            if isinstance(inner, ast.AsyncFor | ast.AsyncWith):
                self._refuse(inner, *STACKED[type(inner)])

    def _name(self, node: Function) -> None:
        if node.name.startswith("__") and not node.name.endswith("__"):
            self._refuse(
                node,
                f"{node.name}() starts with two underscores: Python mangles such names, and no "
                "design could override it",
                f"def {node.name[1:]}(…), and the C name in its docstring",
            )

    def _call(self, call: ast.Call) -> None:
        """A coroutine that nobody awaits, or an await of what is none."""
        name = _own_method(call)
        method = getattr(self.cls, name, None) if name else None
        if not inspect.isfunction(method):
            return
        awaited = isinstance(self.parents.get(call), ast.Await)
        if awaitable(method) and not awaited:
            self._refuse(
                call,
                f"{name}() does nothing until it is awaited",
                f"await {ast.unparse(call)}"
                + ("" if isinstance(self.node, ast.AsyncFunctionDef) else ", in an async def"),
            )
        if awaited and not awaitable(method) and "return" in method.__annotations__:
            self._refuse(call, f"{name}() is not awaited: it takes no step", ast.unparse(call))

    def _reason(self, node: ast.AST) -> tuple[str, str]:
        child, parent = node, self.parents.get(node)
        while parent is not None and parent is not self.node:
            if isinstance(parent, COMPREHENSIONS):
                return "an await inside a comprehension", "while …: await …"
            if isinstance(parent, ast.For) and child is not parent.iter:
                return STACKED[ast.For]
            if isinstance(parent, ast.Try):
                if child in parent.finalbody:
                    return STACKED[ast.Try]
            elif type(parent) in STACKED and not isinstance(parent, ast.For):
                return STACKED[type(parent)]
            child, parent = parent, self.parents.get(parent)
        return EXPRESSION

    def _refuse(self, node: ast.AST, what: str, right: str) -> NoReturn:
        line = getattr(node, "lineno", 0)
        wrong = linecache.getline(self.file, line).strip()
        raise SpecError(f"{what}\n  wrote: {wrong}\n  write: {right}", f"{self.file}:{line}")


def awaitable(method: Callable[..., Any]) -> bool:
    """Whether a call of the method is to be awaited: a coroutine, or a word that gives a Step."""
    told = str(method.__annotations__.get("return", ""))
    return inspect.iscoroutinefunction(method) or any(
        name in told for name in ("Step", "Coroutine", "Awaitable")
    )


def _functions_by_line(file: str) -> dict[int, Function]:
    source = "".join(linecache.getlines(file))
    found: dict[int, Function] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found[first] = node
    return found


def _own_method(call: ast.Call) -> str:
    """``name`` of ``self.name(…)`` and of ``super().name(…)``, or an empty string."""
    function = call.func
    if not isinstance(function, ast.Attribute):
        return ""
    owner = function.value
    if isinstance(owner, ast.Name) and owner.id == "self":
        return function.attr
    if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name):
        return function.attr if owner.func.id == "super" else ""
    return ""


# --- where the value stack is empty --------------------------------------------------------------


def _at_empty_stack(statements: list[ast.stmt]) -> Iterator[ast.Await]:
    """The awaits of a body at which CPython's value stack holds nothing else."""
    for statement in statements:
        match statement:
            case ast.Expr(value=value) | ast.Assign(value=value):
                yield from _spine(value)
            case ast.AnnAssign(value=value) | ast.Return(value=value):
                yield from _spine(value)
            case ast.If(test=test, body=body, orelse=orelse):
                yield from _spine(test)
                yield from _at_empty_stack(body + orelse)
            case ast.While(test=test, body=body, orelse=orelse):
                yield from _spine(test)
                yield from _at_empty_stack(body + orelse)
            case ast.For(iter=iterable, orelse=orelse):
                yield from _spine(iterable)
                yield from _at_empty_stack(orelse)
            case ast.Try(body=body, orelse=orelse):
                yield from _at_empty_stack(body + orelse)
            case ast.Match(subject=subject):
                yield from _spine(subject)
            case _:
                pass


def _spine(expression: ast.expr | None) -> Iterator[ast.Await]:
    """The awaits that are evaluated before anything of the expression is on the stack."""
    match expression:
        case ast.Await(value=value):
            yield expression
            yield from _spine(value)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _spine(value)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            for value in (test, body, orelse):
                yield from _spine(value)
        case ast.UnaryOp(operand=value) | ast.NamedExpr(value=value) | ast.BinOp(left=value):
            yield from _spine(value)
        case ast.Compare(left=value) | ast.Attribute(value=value) | ast.Subscript(value=value):
            yield from _spine(value)
        case _:
            pass
