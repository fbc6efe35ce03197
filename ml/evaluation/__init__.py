"""How the gate's parts were measured: commands that write the committed aggregates and the cards' tables."""
