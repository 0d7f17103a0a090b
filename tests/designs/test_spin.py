"""Spin counts the same states and transitions as we do on every design, and finds the same wrong.

With 3 CPUs: ``python -m tests.designs.spin --cpus 3``.
"""

from __future__ import annotations

import pytest

from softsnp.spec.activities import Host

from .runs import EACH, NAMES
from .spin import differences, missing, of_design

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"{' and '.join(missing())} missing")


@pytest.mark.parametrize(("design", "profile"), EACH, ids=NAMES)
def test_spin_agrees(design: type[Host], profile: str) -> None:
    assert differences(of_design(design.name, profile, 2)) == []
