"""Shipped test suites: whoever writes a provider proves it with them."""

import pytest

# Without it, a failing test of the suite would not show what was compared.
pytest.register_assert_rewrite("paddock.testing.key_value")
