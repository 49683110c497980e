"""Shows a run to whoever watches: a live display, plain lines, or JSON. All of it goes to standard error.

    async with open_progress(look) as progress:
        await run_job(job, settings, output=output, observer=progress, stop=stop)

The display reads the run's Tally on a timer, and gets the rare events as they come. Nothing that goes wrong with
it (standard error closed, terminal gone) reaches the harvest.
"""
