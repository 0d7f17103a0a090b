"""What the kernels' own ioctl of /dev/sev answers, call by call, good calls and bad ones."""
