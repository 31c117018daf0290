"""For everybody who writes a store or an anchor: the checks that each must pass, and fakes that pass them."""
