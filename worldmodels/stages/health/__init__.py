"""What `wm doctor` looks at: each function is one check and returns a Finding.

Nothing here is imported with more than the standard library, so that a broken package fails the
check that needs it and no other.
"""
