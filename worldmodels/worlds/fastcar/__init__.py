"""CarRacing-v3 as compiled kernels over many cars: the official game's numbers, bit for bit."""
