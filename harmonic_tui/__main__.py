"""`python -m harmonic_tui` is `harmonic-tui`."""

from harmonic_tui.command import main

if __name__ == "__main__":
    main()
