"""Point masses in the plane."""
