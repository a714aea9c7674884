"""Cards, pictures, intervals and progress; they know what they are given, and nothing of LMNN."""
