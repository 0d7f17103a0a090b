from __future__ import annotations

import json
import sys

from clients import ClientError
from clients.qemu import Refused, capabilities

try:
    sys.stdout.write(json.dumps(capabilities(), indent=2) + "\n")
except (ClientError, Refused) as error:
    sys.exit(str(error))
