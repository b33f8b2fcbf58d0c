"""What callfloor is measured by. Each module with a `main() -> dict` is one bench: see `__main__`."""
