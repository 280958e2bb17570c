"""What the functions have in common that watch the regions, and the commands of operators."""
