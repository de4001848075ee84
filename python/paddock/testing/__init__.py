"""Shipped test suites: whoever writes a provider proves it with them."""

import pytest

# Without it, a failing test of a suite would not show what was compared.
for _suite in ("suite", "blob", "key_value", "messaging", "sql"):
    pytest.register_assert_rewrite(f"paddock.testing.{_suite}")
