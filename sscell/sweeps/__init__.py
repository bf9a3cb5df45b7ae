"""Many simulations: grids, designs, processes, stores."""
