"""The Python API, which `api` puts together of the other modules here; `blocking` is the same without `await`.

`photo` is what a loop gets, `channels` hands it over, `harvest_task` is the task of one harvest, `harvest` its handle.
"""
