"""Stubs that any kernel code needs: printing, time, memory, and calls on other CPUs."""

from __future__ import annotations

import struct

from .machine import Machine, Stub
from .memory import PAGE, in_page, page_of

MICROSECOND = 1000  # nanoseconds
GP_BYTES, FP_BYTES = 48, 48
"""Of a va_list: where general registers end, and where floating point ones would."""


def formatted(machine: Machine, form: int, arguments: int) -> str:
    """A printk's text, by the kernel's own formatter. ``arguments`` is the address of a va_list."""
    memory = machine.memory
    buffer = memory.allocate(1024)
    machine.call("vscnprintf", buffer, 1024, form, arguments)
    return memory.string(buffer, 1024).lstrip("\x01").strip()


def vprintk(machine: Machine, arguments: list[int]) -> int:
    text = formatted(machine, arguments[0], arguments[1])
    machine.log.append(text[1:] if text[:1].isdigit() else text)
    return 0


def device_log(machine: Machine, arguments: list[int]) -> int:
    """_dev_err() and the like: (device, format, ...)."""
    memory, emulator = machine.memory, machine.emulator
    stack = emulator.stack_pointer.read()[0]
    saved = memory.allocate(GP_BYTES)
    for slot, value in enumerate(arguments):
        memory.put64(saved + 8 * slot, value)
    given = memory.allocate(24)
    memory.write(given, struct.pack("<IIQQ", 16, FP_BYTES, stack + 8, saved))
    machine.log.append(formatted(machine, arguments[1], given))
    return 0


def on_each_cpu_cond_mask(machine: Machine, arguments: list[int]) -> int:
    """(condition, function, its argument, wait, mask)."""
    _, function, argument, _, mask = arguments[:5]
    machine.pause("broadcast")
    machine.broadcasts += 1
    left = {cpu for cpu in range(machine.cpus) if machine.memory.u64(mask) >> cpu & 1}
    while left:
        cpu = machine.next_cpu(left)
        left.remove(cpu)
        machine.call(function, argument, cpu=cpu)
    machine.broadcasts -= 1
    return 0


def smp_call_function_single(machine: Machine, arguments: list[int]) -> int:
    """(CPU, function, its argument, wait)."""
    machine.call(arguments[1], arguments[2], cpu=arguments[0] & 0xFFFFFFFF)
    return 0


def work_on_cpu(machine: Machine, arguments: list[int]) -> int:
    """(CPU, function, its argument); what the function returns."""
    return machine.call(arguments[1], arguments[2], cpu=arguments[0] & 0xFFFFFFFF)


def ktime_get(machine: Machine, _: list[int]) -> int:
    """A microsecond after the last time that somebody asked."""
    machine.now += MICROSECOND
    return machine.now


def allocate(machine: Machine, size: int) -> int:
    """A page is what the list of ranges for SNP_INIT_EX takes."""
    if size == PAGE and machine.no_range_list:
        return 0
    return machine.memory.allocate(max(size, 8))


def free_pages(machine: Machine, arguments: list[int]) -> int:
    """free_pages(): (address, order)."""
    return give_back(machine, arguments[0], arguments[1] & 0xFF)


def free_page_structs(machine: Machine, arguments: list[int]) -> int:
    """__free_pages(): (struct page, order)."""
    return give_back(machine, in_page(arguments[0]), arguments[1] & 0xFF)


def give_back(machine: Machine, address: int, order: int) -> int:
    """An allocator would take what it is told to take. Here the rest stays whose it is."""
    had = machine.memory.free_pages(address, order)
    if had != order:
        sizes = f"{1 << order} pages are freed where {1 << had} were allocated"
        machine.oddities.add(f"{sizes}, in {machine.caller()}()")
    return 0


def memset(machine: Machine, arguments: list[int]) -> int:
    start, value, size = arguments[:3]
    machine.memory.write(start, bytes([value & 0xFF]) * size)
    return start


def copy_in(machine: Machine, arguments: list[int]) -> int:
    """_copy_from_user() and _copy_to_user(): (to, from, size); how much was not copied."""
    to, source, size = arguments[:3]
    machine.memory.write(to, machine.memory.read(source, size))
    return 0


SUCCEEDS = "memory is always there, and zeroed"
OTHER_CPU = "the other CPU runs the function at once, while the caller waits"
STUBS = (
    Stub("vprintk", "printing changes nothing else", vprintk),
    *(
        Stub(f"_dev_{level}", "printing changes nothing else", device_log)
        for level in ("emerg", "err", "warn", "info", "notice")
    ),
    Stub("__dynamic_dev_dbg", "debug messages are off", 0),
    Stub("__dynamic_pr_debug", "debug messages are off", 0),
    Stub("ktime_get", "time goes on whenever it is asked for", ktime_get),
    Stub("memset", "memset() sets memory", memset),
    Stub(
        "on_each_cpu_cond_mask", f"{OTHER_CPU}; CPUs are reached one by one", on_each_cpu_cond_mask
    ),
    Stub("smp_call_function_single", OTHER_CPU, smp_call_function_single),
    Stub("work_on_cpu_key", OTHER_CPU, work_on_cpu),
    Stub("work_on_cpu", OTHER_CPU, work_on_cpu),
    Stub("__kmalloc_noprof", SUCCEEDS, lambda m, a: allocate(m, a[0])),
    Stub("__kmalloc_cache_noprof", SUCCEEDS, lambda m, a: allocate(m, a[2])),
    Stub("__kmalloc_node_track_caller_noprof", SUCCEEDS, lambda m, a: allocate(m, a[0])),
    Stub("kfree", "freeing changes nothing else", 0),
    Stub("devm_kmalloc", SUCCEEDS, lambda m, a: allocate(m, a[1])),
    Stub("devm_kfree", "freeing changes nothing else", 0),
    Stub("devm_get_free_pages", SUCCEEDS, lambda m, a: m.memory.allocate_pages(a[2])),
    Stub("get_free_pages_noprof", SUCCEEDS, lambda m, a: m.memory.allocate_pages(a[1])),
    Stub("alloc_pages_noprof", SUCCEEDS, lambda m, a: page_of(m.memory.allocate_pages(a[1]))),
    Stub("__free_pages", "freed pages are used again", free_page_structs),
    Stub("free_pages", "freed pages are used again", free_pages),
    Stub("_copy_from_user", "the caller's memory is there", copy_in),
    Stub("_copy_to_user", "the caller's memory is there", copy_in),
)

NOT_HERE = (
    "schedule",
    "schedule_timeout",
    "panic",
    "vpanic",
    "do_exit",
    "___slab_alloc",
    "kmem_cache_alloc_noprof",
    "kmem_cache_alloc_lru_noprof",
    "kmem_cache_alloc_node_noprof",
    "__kmalloc_node_noprof",
    "__kmalloc_cache_node_noprof",
    "__kmalloc_large_noprof",
    "__kvmalloc_node_noprof",
    "__alloc_pages_noprof",
    "__alloc_frozen_pages_noprof",
    "__vmalloc_node_range_noprof",
    "queue_work_on",
    "mod_timer",
)
"""They need a scheduler, an allocator or timers, and would do something without them."""
