"""The `Application` model, and what reads it from a file.

Nothing is imported here, so that a host which starts from a cached plan pays
only for `paddock.manifest.model`; import the module that you need.
"""
