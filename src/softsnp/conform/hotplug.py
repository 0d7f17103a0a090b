"""CPU hotplug in the machine: threads, other CPUs and time, as far as kernel/cpu.c waits for them.

The kernel's own state machine runs: cpu_up(), cpu_down(), their locks, states and roll-back, and
the callbacks in KEPT. What stands here is what the other CPU would do meanwhile.
"""

from __future__ import annotations

from softsnp.spec.linux.kernel.cpu_smt import BOTH_THREADS

from .environment import Environment
from .hardware import SpecifiedHardware
from .machine import BLOCKED, Machine, Stub

STATE = "struct cpuhp_cpu_state"
STEP = "struct cpuhp_step"
KEPT = ("CPUHP_BP_KICK_AP", "CPUHP_BRINGUP_CPU", "CPUHP_TEARDOWN_CPU")
"""Steps of the state machine that stay; the others belong to subsystems that are not here."""
ALIVE, ONLINE_SYNC = 3, 5  # SYNC_STATE_ALIVE, SYNC_STATE_ONLINE
TASK_RUNNING_ON = 0x80000000  # preempt_count of a task that need not be rescheduled


class CpuHotplug:
    """Makes a never booted kernel one whose CPUs are all online.

    What becomes of a CPU that starts or dies, the hardware and the environment decide.
    """

    def __init__(
        self, machine: Machine, hardware: SpecifiedHardware, environment: Environment
    ) -> None:
        self.machine = machine
        self.hardware = hardware
        self.environment = environment
        self.threads: dict[int, int] = {}
        """The cpuhp thread's task: its CPU."""
        self.devices: list[int] = []
        constant = machine.kernel.constant
        self.online = constant("CPUHP_ONLINE")
        machine.install(self.stubs())
        self._masks()
        self._tasks()
        for cpu in range(machine.cpus):
            self._thread(cpu)
        self._steps()
        self._devices()

    # --- what a booted kernel has ----------------------------------------------------------------

    def _masks(self) -> None:
        kernel, memory = self.machine.kernel, self.machine.memory
        every = (1 << self.machine.cpus) - 1
        for name in ("possible", "present", "online", "active", "enabled"):
            if f"__cpu_{name}_mask" in kernel:
                memory.put64(kernel.address(f"__cpu_{name}_mask"), every)
        if "cpus_booted_once_mask" in kernel:
            memory.put64(kernel.address("cpus_booted_once_mask"), every)
        for name in ("__num_online_cpus", "nr_cpu_ids"):
            if name in kernel:
                memory.put32(kernel.address(name), self.machine.cpus)
        # A mask of CPUs is as long as the kernel was built for, and this one is on the heap.
        frozen = memory.allocate(kernel.size("struct cpumask"))
        memory.put64(kernel.address("frozen_cpus"), frozen)
        first_thread = self.hardware.guide.first_thread
        firsts = sum(1 << cpu for cpu in range(self.machine.cpus) if first_thread(cpu) == cpu)
        memory.put64(kernel.address("__cpu_primary_thread_mask"), firsts)
        for name in ("cpu_smt_num_threads", "cpu_smt_max_threads"):
            memory.put32(kernel.address(name), BOTH_THREADS)

    def _tasks(self) -> None:
        machine, kernel = self.machine, self.machine.kernel
        for cpu in range(machine.cpus):
            if "pcpu_hot" in kernel:  # up to 6.14
                base = machine.percpu("pcpu_hot", cpu)
                names = ("cpu_number", "current_task", "preempt_count")
                number, current, preempt = (
                    base + kernel.offset("struct pcpu_hot", n) for n in names
                )
            else:
                names = ("cpu_number", "current_task", "__preempt_count")
                number, current, preempt = (machine.percpu(n, cpu) for n in names)
            machine.memory.put64(machine.percpu("this_cpu_off", cpu), machine.areas[cpu])
            machine.memory.put32(number, cpu)
            machine.memory.put64(current, kernel.address("init_task"))
            machine.current.append(current)
            machine.memory.put32(preempt, TASK_RUNNING_ON)

    def _thread(self, cpu: int) -> None:
        """A CPU is online, and its cpuhp thread waits."""
        machine, kernel, memory = self.machine, self.machine.kernel, self.machine.memory
        task = memory.allocate(kernel.size("struct task_struct"))
        self.threads[task] = cpu
        state = self.state(cpu)
        memory.put64(state + kernel.offset(STATE, "thread"), task)
        memory.put64(machine.percpu("idle_threads", cpu), task)
        for field in ("state", "target"):
            memory.put32(state + kernel.offset(STATE, field), self.online)
        memory.put32(state + kernel.offset(STATE, "fail"), kernel.constant("CPUHP_INVALID"))
        memory.put32(state + kernel.offset(STATE, "ap_sync_state"), ONLINE_SYNC)
        for completion in ("done_up", "done_down"):
            queue = kernel.offset(STATE, completion) + kernel.offset("struct completion", "wait")
            machine.call("__init_swait_queue_head", state + queue, 0, 0)

    def _steps(self) -> None:
        """The steps of subsystems that are not here do nothing."""
        kernel, memory = self.machine.kernel, self.machine.memory
        kept = {kernel.constant(name) for name in KEPT}
        size = kernel.size(STEP)
        table = kernel.address("cpuhp_hp_states")
        for number in range(self.online + 1):
            if number not in kept:
                for field in ("startup", "teardown"):
                    memory.put64(table + number * size + kernel.offset(STEP, field), 0)
        bringup = table + kernel.constant("CPUHP_BRINGUP_CPU") * size
        memory.put64(bringup + kernel.offset(STEP, "teardown"), 0)  # the idle task's mm

    def _devices(self) -> None:
        kernel, memory = self.machine.kernel, self.machine.memory
        for cpu in range(self.machine.cpus):
            device = memory.allocate(kernel.size("struct device"))
            memory.put32(device + kernel.offset("struct device", "id"), cpu)
            bus = device + kernel.offset("struct device", "bus")
            memory.put64(bus, kernel.address("cpu_subsys"))
            memory.put64(self.machine.percpu("cpu_sys_devices", cpu), device)
            self.devices.append(device)

    def take_away(self, cpu: int) -> None:
        """A CPU that is possible, and not there yet."""
        self.machine.rc("device_offline", self.devices[cpu])
        self.set_present(cpu, False)

    def set_present(self, cpu: int, on: bool) -> None:
        mask = self.machine.kernel.address("__cpu_present_mask")
        bits = self.machine.memory.u64(mask) & ~(1 << cpu)
        self.machine.memory.put64(mask, bits | int(on) << cpu)

    def state(self, cpu: int) -> int:
        return self.machine.percpu("cpuhp_state", cpu)

    # --- what other CPUs do ----------------------------------------------------------------------

    def wake(self, machine: Machine, arguments: list[int]) -> int:
        """A cpuhp thread runs as long as it has something to do."""
        cpu = self.threads.get(arguments[0])
        if cpu is None:
            return 1
        should_run = self.state(cpu) + machine.kernel.offset(STATE, "should_run")
        while machine.memory.u8(should_run):
            machine.call("cpuhp_thread_fun", cpu, cpu=cpu)
        return 1

    def stop_machine(self, machine: Machine, arguments: list[int]) -> int:
        """(function, argument, mask): take_cpu_down() on the dying CPU, and then it is dead."""
        function, argument, mask = arguments[:3]
        bits = machine.memory.u64(mask)
        cpu = (bits & -bits).bit_length() - 1
        while machine.broadcasts:  # every CPU is to stop, and a sender's cannot
            machine.pause(BLOCKED)
        self.environment.stopping(cpu)
        failed = machine.rc(function, argument, cpu=cpu)
        if not failed:
            machine.call("cpuhp_report_idle_dead", cpu=cpu)
            machine.call("cpuhp_ap_report_dead", cpu=cpu)
        return failed

    def disable(self, machine: Machine, _: list[int]) -> int:
        """native_cpu_disable(): without interrupt controllers, it leaves the online mask."""
        machine.call("set_cpu_online", machine.cpu, 0)
        self.environment.stopped(machine.cpu)
        machine.pause("after leaving the online mask")
        return 0

    def kick(self, machine: Machine, arguments: list[int]) -> int:
        """INIT/SIPI: the CPU comes as far as waiting for the one that starts it."""
        cpu = arguments[0] & 0xFFFFFFFF
        self.hardware.start(cpu)
        sync = self.state(cpu) + machine.kernel.offset(STATE, "ap_sync_state")
        machine.memory.put32(sync, ALIVE)
        return 0

    def release(self, machine: Machine, arguments: list[int]) -> int:
        """The rest of start_secondary(), when the control CPU lets it go on."""
        cpu = arguments[0] & 0xFFFFFFFF
        machine.call("notify_cpu_starting", cpu, cpu=cpu)
        machine.call("set_cpu_online", cpu, 1, cpu=cpu)
        self.environment.online(cpu)
        machine.pause("after entering the online mask")
        self.environment.kvm_online_cpu(cpu)
        idle = machine.kernel.constant("CPUHP_AP_ONLINE_IDLE")
        machine.call("cpuhp_online_idle", idle, cpu=cpu)
        return 0

    def stubs(self) -> tuple[Stub, ...]:
        absent = "a subsystem that is not here would do its part, and succeed"
        return (
            Stub("wake_up_process", "a cpuhp thread runs at once", self.wake),
            Stub(
                "stop_machine_cpuslocked",
                "no other CPU does anything while one dies",
                self.stop_machine,
            ),
            Stub("native_cpu_disable", "the interrupt controllers let go of a CPU", self.disable),
            Stub("arch_cpuhp_kick_ap_alive", "INIT/SIPI always reaches the CPU", self.kick),
            Stub("arch_cpuhp_cleanup_kick_cpu", "the CPU runs start_secondary()", self.release),
            Stub(
                "topology_get_primary_thread",
                "second threads have their numbers after all first ones",
                lambda _, a: self.hardware.guide.first_thread(a[0] & 0xFFFFFFFF),
            ),
            Stub("pm_wakeup_pending", "nothing wakes the machine while it falls asleep", 0),
            Stub("kobject_uevent", "user space does nothing when it is told of a CPU", 0),
            *(Stub(name, absent, 0) for name in ABSENT),
        )


ABSENT = (
    "kthread_park",
    "kthread_unpark",
    "stop_machine_park",
    "stop_machine_unpark",
    "hotplug_cpu__broadcast_tick_pull",
    "tick_cleanup_dead_cpu",
    "rcutree_migrate_callbacks",
    "rcutree_report_cpu_dead",
    "rcutree_report_cpu_starting",
    "tick_assert_timekeeping_handover",
    "arch_smt_update",
    "try_online_node",
    "synchronize_rcu",
)
