"""What the brief and the design ask of the synthesized stacks: rules, each tried on what it must refuse."""
