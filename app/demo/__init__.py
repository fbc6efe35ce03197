"""The main job as a story: a real service, a real wallet, real models; only the camera is simulated, and marked so."""
