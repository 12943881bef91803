"""World Models (Ha & Schmidhuber, 2018) on today's Gymnasium and ViZDoom.

Importing this package registers its worlds with Gymnasium:
`worldmodels/CarRacing-v0` (the official CarRacing-v3 as 64x64 frames) and
`worldmodels/DoomTakeCover-v0` (ViZDoom TakeCover as 64x64 frames).
"""

from gymnasium.envs.registration import register

__version__ = "0.1.0"

register(id="worldmodels/CarRacing-v0", entry_point="worldmodels.worlds.carracing:make_car_racing")
register(id="worldmodels/DoomTakeCover-v0", entry_point="worldmodels.worlds.takecover:TakeCoverEnv")
