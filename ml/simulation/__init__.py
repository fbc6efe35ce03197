"""Simulated captures for test mode and the demo: a specimen document, a camera and a head that follows the
challenge.

Everything made here bears the simulator's mark (`ml.liveness.simulator_mark`), which live mode refuses.
"""
