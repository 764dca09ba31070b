"""What holds for every test."""

from hypothesis import settings

# Nothing is asserted of the time that an example takes: the machine may be busy.
settings.register_profile("quantgate", deadline=None)
settings.load_profile("quantgate")
