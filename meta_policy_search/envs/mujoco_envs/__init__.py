"""Task families on MuJoCo."""
