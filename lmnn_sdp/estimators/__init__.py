"""LMNN for scikit-learn."""
