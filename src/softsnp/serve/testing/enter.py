"""``python -m softsnp.serve.testing.enter INIT DESCRIPTOR COMMAND…``: a command in a namespace.

``DESCRIPTOR`` is a file with the command's environment, as JSON. The exit status is the command's;
127 or 126 if it cannot be run; 125 if the namespace cannot be entered.
"""

from __future__ import annotations

import json
import os
import sys

from softsnp.serve.namespace.errors import CommandError, NamespaceError
from softsnp.serve.namespace.join import join

CANNOT_ENTER = 125


def main(args: list[str]) -> int:
    with os.fdopen(int(args[1]), encoding="utf-8") as file:
        environment = json.load(file)
    try:
        return join(int(args[0]), args[2:], environment)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return error.status
    except NamespaceError as error:
        sys.stderr.write(f"softsnp: {error}\n")
        return CANNOT_ENTER


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
