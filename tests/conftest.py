"""How much hypothesis tries: the same examples every time, many more in `make test-long`."""

from hypothesis import settings

# Nothing here may depend on how busy the machine is, so examples have no deadline.
settings.register_profile("usual", derandomize=True, deadline=None)
settings.register_profile("long", max_examples=1000, deadline=None)
settings.load_profile("usual")
