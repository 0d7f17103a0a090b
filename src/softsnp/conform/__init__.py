"""The real kernel's own machine code, run function by function beside the specification."""
