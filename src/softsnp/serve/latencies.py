"""How long things take on hardware, roughly, for a host that runs in real time.

Source: [asm] orders of magnitude, to make what is concurrent on hardware concurrent here.
"""

from __future__ import annotations

from softsnp.abi.sev import Command
from softsnp.lang.position import frames
from softsnp.run.task import Task

USUAL_COMMAND = 0.002
COMMANDS: dict[Command, float] = {
    Command.SNP_INIT_EX: 1.5,
    Command.INIT_EX: 0.3,
    Command.SNP_SHUTDOWN_EX: 0.2,
    Command.SNP_DF_FLUSH: 0.01,
    Command.DF_FLUSH: 0.01,
    Command.DOWNLOAD_FIRMWARE: 0.5,
    Command.PEK_GEN: 0.05,
    Command.FACTORY_RESET: 0.1,
}
"""Seconds from a command to its answer."""
FUNCTIONS: dict[str, float] = {
    "clear_rmp": 0.05,
    "_cpu_up": 0.01,
    "_cpu_down": 0.005,
}
"""Seconds that each step in a function takes, where it is the innermost one."""
FIRST_RETRY = 0.02
"""Seconds that cpu_subsys_online() sleeps after its first attempt; each time twice as long."""


def latency(task: Task) -> float:
    """Seconds before the next step of a task, by where it stands."""
    where = [frame for frame in frames(task.coroutine) if "/lang/" not in frame.f_code.co_filename]
    if not where:
        return 0.0
    function, here = where[-1].f_code.co_name, where[-1].f_locals
    if function == "psp_command":
        return COMMANDS.get(here.get("command"), USUAL_COMMAND)
    if function == "cpu_subsys_online" and here.get("retries"):
        return FIRST_RETRY * float(2 ** (int(here["retries"]) - 1))
    return FUNCTIONS.get(function, 0.0)
