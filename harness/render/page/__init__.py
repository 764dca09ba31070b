"""The page: one file, one view a module. Each view has a template, styles and perhaps a script of its own name."""
