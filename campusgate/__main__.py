"""`python -m campusgate` is the command line."""

from campusgate.cli import main

if __name__ == "__main__":
    main()
