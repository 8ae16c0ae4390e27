"""What a run is asked for, and what suits what is given. Needs no torch."""
