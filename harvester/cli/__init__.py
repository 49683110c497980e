"""The command line: parses, validates, calls one function, and maps errors to exit codes.

Nothing heavy is imported here: each command's module is, when the command is called.
"""

from __future__ import annotations

from harvester.cli.group import LazyCommand, LazyGroup

SECTIONS = {
    "Harvest": {
        "search": LazyCommand("harvester.cli.search:search", "Everything that matches a search."),
        "account": LazyCommand("harvester.cli.sources:account", "All of an account."),
        "album": LazyCommand("harvester.cli.sources:album", "The photos of an album (a set)."),
        "gallery": LazyCommand("harvester.cli.sources:gallery", "The photos of a gallery."),
        "group": LazyCommand("harvester.cli.sources:group", "The photos of a group's pool."),
        "favorites": LazyCommand("harvester.cli.sources:favorites", "The photos that somebody has favoured."),
        "photos": LazyCommand("harvester.cli.photos:photos", "Photos given by id or address."),
        "get": LazyCommand("harvester.cli.get:get", "Whatever an address of Flickr's means."),
        "run": LazyCommand("harvester.cli.run:run", "The jobs of a config file."),
        "shard": LazyCommand("harvester.cli.shard:shard", "One harvest on many machines."),
        "plan": LazyCommand("harvester.cli.plan:plan", "What a harvest would find, cost and take."),
        "call": LazyCommand("harvester.cli.call:call", "Any method of Flickr's API."),
    },
    "Archives": {
        "resume": LazyCommand("harvester.cli.archives:resume", "Go on with a stopped archive."),
        "update": LazyCommand("harvester.cli.archives:update", "Only what is new, changed or gone since."),
        "status": LazyCommand("harvester.cli.archives:status", "How far an archive is."),
        "watch": LazyCommand("harvester.cli.watch:watch", "A live page about a harvest."),
        "verify": LazyCommand("harvester.cli.archives:verify", "Prove that an archive is whole."),
        "repair": LazyCommand("harvester.cli.repair:repair", "Make a damaged archive whole."),
        "ids": LazyCommand("harvester.cli.archives:ids", "The ids of an archive's photos."),
        "export": LazyCommand("harvester.cli.export:export", "A flat, typed table of photos."),
        "report": LazyCommand("harvester.cli.report:report", "A page about archives, to be shown."),
        "schema": LazyCommand("harvester.cli.export:schema", "The form of a line, of a row."),
        "urls": LazyCommand("harvester.cli.urls:urls", "The addresses of an archive's pictures."),
        "bag": LazyCommand("harvester.cli.bag:bag", "An archive as a bag (BagIt), to be handed over."),
        "withdraw": LazyCommand("harvester.cli.withdraw:withdraw", "Take photos down, and keep them away."),
    },
    "Account": {
        "auth": LazyCommand("harvester.cli.auth:auth", "Log in, for private photos."),
        "quota": LazyCommand("harvester.cli.quota:quota", "What is left of the key's calls."),
    },
    "Your shell": {
        "completion": LazyCommand("harvester.cli.completion:completion", "Completion for bash, zsh or fish."),
    },
    "Try it out": {
        "demo": LazyCommand("harvester.cli.demo:demo", "Sandbox, harvest and summary in one go; no key needed."),
        "sandbox": LazyCommand("harvester.sandbox.command:sandbox", "A local Flickr-compatible API server."),
    },
}

main = LazyGroup(
    name="harvester",
    sections=SECTIONS,
    help="Harvest Flickr's metadata: complete, exactly once, within the quota.",
    epilog=(
        "An API key is needed for all but the sandbox and the demo: get one at "
        "https://www.flickr.com/services/apps/create/ and put it into FLICKR_API_KEY.\n\n"
        "\b\nExample:\n  harvester search --tags monkey,chimp --min-upload-date 2009-12-01 -o monkeys\n\n"
        "\b\nCompletion of commands and options, in ~/.bashrc (zsh in ~/.zshrc):\n"
        '  eval "$(harvester completion bash)"'
    ),
)
