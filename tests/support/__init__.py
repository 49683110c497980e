"""What several tests use: each module has one subject, and no test imports from another test or from a conftest."""

from pathlib import Path

import pytest

# Their assertions tell what was compared, as those of tests do.
pytest.register_assert_rewrite(*(f"{__name__}.{path.stem}" for path in Path(__file__).parent.glob("[a-z]*.py")))
