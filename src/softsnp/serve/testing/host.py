"""A running virtual host, as a test suite uses it. Nothing of pytest is needed."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .options import HostOptions, options_of
from .process import INSIDE, HostError, HostProcess, Server

Command = str | Sequence[str | os.PathLike[str]]
"""A program and its arguments, or one text for a shell."""


class SnpHost:
    """A virtual host. Its options are those of ``softsnp run``: ``SnpHost(generation="turin")``.

    A context manager: the host is up within it, and has ended with all its processes after it.
    Methods that control the host raise ``softsnp.serve.control.ControlError`` where it refuses, and
    return what ``softsnp ctl`` prints.
    """

    def __init__(self, **options: Any) -> None:
        self.options: HostOptions = options_of(options)
        self._server: Server | None = None

    def __enter__(self) -> SnpHost:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Raises HostUnavailable where no virtual host can run, HostError for bad options."""
        if self._server is None:
            self._server = Server(self.options)

    def close(self) -> None:
        """Ends the host. Raises HostError if it had failed before."""
        if self._server is not None:
            server, self._server = self._server, None
            status = server.close()
            if status:
                raise HostError(f"softsnp run ended with status {status}:\n{server.told()}")

    @property
    def init(self) -> int:
        """The pid of the host's first process: ``softsnp ctl --host`` takes it."""
        return self._running().init

    def _running(self) -> Server:
        if self._server is None:
            raise HostError("this virtual host is not running: use it as a context manager")
        if not self._server.alive():
            raise HostError(f"the virtual host has ended:\n{self._server.told()}")
        return self._server

    # --- commands on the host ---------------------------------------------------------------------

    def run(
        self,
        command: Command,
        *,
        check: bool = False,
        input: str | None = None,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end, as ``subprocess.run`` does with ``capture_output`` and
        ``text``; what times out is killed with all its children.

        Raises what that raises, but for a command that cannot be run: its status is 127 or 126.
        """
        process = self.popen(
            command,
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
        )
        with process:
            try:
                output, errors = process.communicate(input, timeout)
            except BaseException:
                process.send_signal(signal.SIGKILL)
                raise
        done = subprocess.CompletedProcess(command, process.returncode, output, errors)
        if done.returncode:
            self._running()
        if check and done.returncode:
            failed = subprocess.CalledProcessError(done.returncode, command, output, errors)
            failed.add_note(f"it printed:\n{output}{errors}")
            raise failed
        return done

    def popen(
        self, command: Command, *, env: Mapping[str, str] | None = None, **more: Any
    ) -> HostProcess:
        """Begins a command, as ``subprocess.Popen`` does with ``text``. What runs when the host
        ends is killed.
        """
        server = self._running()
        line = (
            ["sh", "-c", command] if isinstance(command, str) else [os.fspath(c) for c in command]
        )
        environment = dict(os.environ if env is None else env)
        path = environment.get("PATH")
        environment.update(server.gives)
        if path is not None:
            environment["PATH"] = path  # the host's tools come first when it is entered
        return HostProcess(server.init, line, environment, **more)

    def _inside(self, *args: str, input: str = "") -> str:
        done = self.run([*INSIDE, *args], input=input, check=True)
        answer = json.loads(done.stdout)
        if "errno" in answer:
            number = int(answer["errno"])
            raise OSError(number, os.strerror(number), args[-1])
        return str(answer.get("text", ""))

    def read_text(self, path: str | os.PathLike[str]) -> str:
        """A file of the host: ``/sys/devices/system/cpu/online``. Raises OSError."""
        return self._inside("read", os.fspath(path))

    def write_text(self, path: str | os.PathLike[str], text: str) -> None:
        """Writes to a file that is there. Raises OSError, with the errno that the host gave."""
        self._inside("write", os.fspath(path), input=text)

    def kernel_log(self) -> str:
        """What the host's kernel has said since it booted, a message a line."""
        return self._inside("log")

    # --- the host itself --------------------------------------------------------------------------

    def ask(self, verb: str, **args: Any) -> Any:
        """Any verb of ``softsnp ctl``, with its arguments by name; those that are None lack."""
        from softsnp.serve.control import ask, socket_of

        given = {name: value for name, value in args.items() if value is not None}
        return ask(socket_of(self.init), verb, **given)

    def status(self) -> dict[str, Any]:
        result: dict[str, Any] = self.ask("status")
        return result

    def inject(
        self, what: str, status: str | int | None = None, times: int | None = None
    ) -> list[dict[str, Any]]:
        """Makes ``what`` fail the next time that it is done, a firmware command for instance; the
        faults that wait now.
        """
        result: list[dict[str, Any]] = self.ask("inject", what=what, status=status, times=times)
        return result

    def heal(self) -> None:
        """Forgets the faults that wait."""
        self.ask("heal")

    def offline(self, cpu: int) -> None:
        self.ask("offline", cpu=cpu)

    def online(self, cpu: int) -> None:
        self.ask("online", cpu=cpu)

    def hot_add(self, cpu: int) -> None:
        """Puts in the CPU that is not there at first; the host wants ``assume="cpu-hot-add"``."""
        self.ask("hot-add", cpu=cpu)

    def eject(self, cpu: int) -> None:
        self.ask("eject", cpu=cpu)

    def modprobe(self, module: str) -> None:
        self.ask("modprobe", module=module)

    def rmmod(self, module: str) -> None:
        self.ask("rmmod", module=module)

    def start_guest(self) -> None:
        self.ask("start-guest")

    def stop_guest(self) -> None:
        self.ask("stop-guest")

    def suspend(self) -> None:
        """Suspends to RAM and wakes up."""
        self.ask("suspend")

    def kexec(self, append: str | None = None) -> None:
        """Starts a kernel from the running one."""
        self.ask("kexec", append=append)

    def reboot(self) -> None:
        self.ask("reboot")

    def power_cycle(self) -> None:
        """Switches the host off and on. What runs in it goes on, as if it had been on another."""
        self.ask("power-cycle")

    def cpuid(self, *without: str) -> None:
        """Answers CPUID from now on as a processor without these features: ``sev-snp``, ``vmpl``.
        The host wants ``cpuid=True``.
        """
        self.ask("cpuid", without=",".join(without))

    def stage_firmware(self, snp: int | None = None, version: str | None = None) -> dict[str, Any]:
        """Loads a firmware with this security version, as ``MAJOR.MINOR.BUILD``; the TCB then."""
        result: dict[str, Any] = self.ask("stage-firmware", snp=snp, version=version)
        return result

    def hashstick(self) -> bytes:
        """A VLEK hashstick that this host's firmware takes: 432 bytes."""
        return base64.b64decode(self.ask("hashstick")["hashstick"])

    def save_trace(self, path: str | os.PathLike[str]) -> Path:
        """Everything since power-on: ``softsnp explain`` and ``softsnp run --replay`` read it."""
        saved = Path(path)
        saved.write_text(json.dumps(self.ask("trace")), encoding="utf-8")
        return saved
