"""From environments to processed samples."""
