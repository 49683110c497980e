"""Where the project lies, and what lies beside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
"""Recordings of Flickr's answers, where they lie beside the project. Without them, what reads them is skipped."""
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
"""Where this Python and the programs that are installed for it lie."""
PYTHONPATH = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
"""For a test that runs itself as a program."""
