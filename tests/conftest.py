"""What holds for all tests: how much hypothesis tries, verifiers, and that an interrupt is one."""

import os
import signal

from hypothesis import settings

pytest_plugins = ["tests.by_torch.plugin"]

# The same examples every time, many more in `make test-long`. Nothing here may depend on how busy the
# machine is, so examples have no deadline.
settings.register_profile("usual", derandomize=True, deadline=None)
settings.register_profile("long", max_examples=1000, deadline=None)
settings.load_profile("usual")

# Whatever the tests compile is verified, in their child processes too.
os.environ.setdefault("PELLUCID_VERIFY", "1")

# A shell starts what runs in its background with interrupts ignored; some tests send them.
signal.signal(signal.SIGINT, signal.default_int_handler)
