"""How long calls take in a virtual host."""
