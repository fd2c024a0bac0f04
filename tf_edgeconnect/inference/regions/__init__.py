"""Large photos: which parts the networks see, at what scale, and how results join.

NumPy and SciPy only. `areas.choose` names the way, `areas.plan_areas` the parts of the
photo, and `painting.paint` runs a function of yours on them, which only ever sees
photos of at most `side` x `side` pixels, and puts what it paints into the hole. Pixels
outside the hole are never written.
"""
