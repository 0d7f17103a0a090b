"""Our engines beside Spin, on one model: ``python -m bench``. It is no part of the wheel."""
