"""Photos, masks and edges: from files to batches.

`sources.open_source` turns what a user names into a fixed list of photos,
`pipeline.build_dataset` turns that into batches. Import from the modules; importing
this package imports nothing else.
"""
