"""Random clients of a virtual host, and what each of their calls may come to."""
