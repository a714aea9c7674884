"""Methods that LMNN is compared with, each in the few lines of its idea; the table of all of them is in `table`."""
