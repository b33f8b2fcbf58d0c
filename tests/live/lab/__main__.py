"""Makes the hardware lab: `python -m tests.live.lab`, or `make lab`."""

from tests.live.lab import cache


def main() -> None:
    """Make it, and say what is going on."""
    cache.make(lambda what: print(f"lab: {what}", flush=True))


if __name__ == "__main__":
    main()
