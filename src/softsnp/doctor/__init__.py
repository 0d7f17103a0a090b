"""The doctor: what a live SNP host is seen to be, judged by the specification's own properties.

Light: it loads neither numba nor numpy nor the explorer, and runs with the standard library alone.
"""
