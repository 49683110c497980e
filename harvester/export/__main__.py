"""One of the processes of an export: it takes tasks from standard input, and ends with it."""

from harvester.export.work import main

if __name__ == "__main__":
    main()
