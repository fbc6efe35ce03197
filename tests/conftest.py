"""Fixtures that several folders of tests share, one module a world; loaded only where a test asks for them."""

pytest_plugins = ("tests.fixtures.kernel_world", "tests.fixtures.warm_gate")
