"""`python -m harvester` is the console script `harvester`."""

from harvester.launch import run

if __name__ == "__main__":
    run()
