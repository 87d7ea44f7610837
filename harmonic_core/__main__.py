"""`python -m harmonic_core` is `harmonic`."""

from harmonic_core.cli import main

if __name__ == "__main__":
    main()
