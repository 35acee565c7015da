"""The composers' representation: a piece is a grid of cells, one for each bar and part, written bar by bar."""
