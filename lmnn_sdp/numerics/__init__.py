"""Arrays and threads: linear algebra, a team of workers, types. Nothing here knows LMNN."""
