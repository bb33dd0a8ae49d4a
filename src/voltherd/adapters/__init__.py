"""The rim: what meets files and stores, where foreign errors become ours."""
