"""What real kernels did, written down by scripts. It is no part of the wheel."""
