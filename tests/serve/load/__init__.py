"""Virtual hosts under load, while they are killed, and with many CPUs."""
