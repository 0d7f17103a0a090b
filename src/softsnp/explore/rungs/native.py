"""The third rung: the table engine, with machine code of the program in place of its tables.

LLVM compiles it; that is kept on disk by the content of what it was made of.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from contextlib import suppress
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from softsnp.explore.lower import Program

from . import cache, kernel
from .arrays import question_words
from .llvm import Source
from .rung import OutOfRoom
from .table import TableRung

JUDGE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
OLDEST_LLVM = 16
"""Older ones do not know pointers that do not say to what."""


class Code:
    """A loaded module. It has to live as long as its functions are called."""

    def __init__(self, text: str) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=3,
            jit=True,
        )
        told = f"{llvmlite.__version__} {llvm.get_host_cpu_name()}"
        key = hashlib.sha256(f"{told}\n{text}".encode()).hexdigest()[:32]
        self.kept = cache.place() / "native" / f"{key}.o"
        self.compiled = False
        known = None
        with suppress(OSError):
            known = self.kept.read_bytes()
        module = llvm.parse_assembly(text if known is None else "")
        self.engine: Any = llvm.create_mcjit_compiler(module, machine)
        if known is None:
            self._optimise(module, machine)
            self.compiled = True
            known = machine.emit_object(module)
            self._keep(known)
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(known))
        self.engine.finalize_object()

    def address(self, name: str) -> int:
        return int(self.engine.get_function_address(name))

    def _optimise(self, module: Any, machine: Any) -> None:
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        llvm.create_pass_builder(machine, options).getModulePassManager().run(
            module, llvm.create_pass_builder(machine, options)
        )

    def _keep(self, content: bytes) -> None:
        with suppress(OSError):
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            half = self.kept.with_suffix(f".{os.getpid()}")
            half.write_bytes(content)
            half.replace(self.kept)


class NativeRung(TableRung):
    """A search by emitted code."""

    name = "native"

    def __init__(
        self, program: Program, at_rest: set[str], memory: int | None, cores: int = 1
    ) -> None:
        super().__init__(program, at_rest, memory, cores)
        if llvm.llvm_version_info[0] < OLDEST_LLVM:
            raise OutOfRoom("numba is too old for --rung native: pip install -U numba")
        self.code = Code(Source(program, self.words, question_words(program)).text(at_rest))
        self.control[kernel.C_CODE] = self.code.address("expand")
        self.judges = {
            name: JUDGE(self.code.address(f"judge{number}"))
            for number, name in enumerate(program.judges)
        }

    def judge_some(self, name: str, begin: int, end: int) -> tuple[bool, int]:
        said = self.judges[name](self.batch.frame.ctypes.data, begin, end)
        if said < 0:
            return super().judge_some(name, begin, end)
        return bool(said & 1), -1 if said >> 1 == end else said >> 1
