"""The ladder's rungs: each explores the same program, state by state in the same order."""
