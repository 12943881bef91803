"""World Models (Ha & Schmidhuber, 2018) on today's Gymnasium and ViZDoom.

Importing this package registers its worlds with Gymnasium:
`worldmodels/CarRacing-v0` (the official CarRacing-v3 as 64x64 frames),
`worldmodels/FastCarRacing-v0` (the same game as compiled kernels, for `make_vec` alone),
`worldmodels/DoomTakeCover-v0` (ViZDoom TakeCover as 64x64 frames) and, for `make_vec` alone,
`worldmodels/Dream-v0` (M's dream of the agent in the folder `run`).
"""

from gymnasium.envs.registration import register

__version__ = "0.1.0"

register(id="worldmodels/CarRacing-v0", entry_point="worldmodels.worlds.carracing:make_car_racing")
register(
    id="worldmodels/FastCarRacing-v0",
    vector_entry_point="worldmodels.worlds.fastcar.env:FastCarWorld",
)
register(id="worldmodels/DoomTakeCover-v0", entry_point="worldmodels.worlds.takecover:TakeCoverEnv")
register(id="worldmodels/Dream-v0", vector_entry_point="worldmodels.zoo.dreams:make_dream")
