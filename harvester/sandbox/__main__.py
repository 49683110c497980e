"""`python -m harvester.sandbox`."""

from harvester.sandbox.command import sandbox

sandbox()
