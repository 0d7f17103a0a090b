"""``python -m bench.peers``: install the peers that can be had on this machine."""

from __future__ import annotations

import sys

from .install import install


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    install(say)
