"""Many runs, and runs again: replay of recipes."""
