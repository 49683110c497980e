"""The parts of the Python API, which `harvester.api` puts together.

`photo` is what a loop gets, `channels` hands it over, `work` is the task of one harvest, `harvest` is its handle.
"""
