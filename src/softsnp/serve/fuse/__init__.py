"""Files served to real programs: the kernel's FUSE protocol, spoken on /dev/fuse."""
