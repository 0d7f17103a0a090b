"""CPU hotplug through sysfs, on kernels booted under QEMU's software emulation."""
