"""`python -m harmonic_tui` is `harmonic-tui`."""

from harmonic_tui.app import main

if __name__ == "__main__":
    main()
