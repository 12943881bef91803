"""Every number of the game.

Sources: [R] `gymnasium/envs/box2d/car_racing.py`, [D] `car_dynamics.py` beside it, [B] Box2D 2.3's
`b2Settings.h`, [M] read from a body that Box2D made (the parity tests compare). Expressions are
written as in the source, so that they round alike. Lengths are metres unless a name says otherwise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

F: Any = np.float32  # Any: to a type checker its results pass for floats, as they do in kernels

# --- Rules and step [R]
FPS = 50
DT = 1.0 / FPS
SCALE = 6.0
PLAYFIELD = 2000 / SCALE
STEP_REWARD = -0.1
LAP_REWARD = 1000.0  # shared out among the tiles
CRASH_REWARD = -100.0  # instead of the step's reward

# --- Track [R]
CHECKPOINTS = 12
TRACK_RAD = 900 / SCALE
TRACK_DETAIL_STEP = 21 / SCALE
TRACK_TURN_RATE = 0.31
TRACK_WIDTH = 40 / SCALE
BORDER = 8 / SCALE
BORDER_MIN_COUNT = 4
MAX_POINTS = 2500
MAX_LAPS = 4
START_ALPHA = 2 * math.pi * (-0.5) / CHECKPOINTS

# --- Picture [R]
WINDOW_W, WINDOW_H = 1000, 800
STATE_W, STATE_H = 96, 96
ZOOM = 2.7
START_ZOOM = 0.1
GRASS_DIM = PLAYFIELD / 20.0
BACKGROUND_COLOUR = (102, 204, 102)
GRASS_COLOUR = (102, 230, 102)
ROAD_COLOUR = 102
ROAD_SHADE = 0.01 * 255  # a tile of index i is brighter by i % 3 times this until it is touched

# --- Car [D]
SIZE = 0.02
ENGINE_POWER = 100000000 * SIZE * SIZE
WHEEL_MOMENT_OF_INERTIA = 4000 * SIZE * SIZE
FRICTION_LIMIT = 1000000 * SIZE * SIZE
GRASS_FRICTION = 0.6
ROAD_FRICTION = 1.0
BRAKE_FORCE = 15  # radians a second
BLOCKING_BRAKE = 0.9
SLIP_FORCE = 205000 * SIZE * SIZE
GAS_RISE = 0.1  # most that the gas rises in a step
STEER_GAIN, STEER_SPEED = 50.0, 3.0
WHEEL_R, WHEEL_W = 27, 14
WHEEL_RAD = 1.0 * WHEEL_R * SIZE
WHEELPOS = ((-55, +80), (+55, +80), (-55, -82), (+55, -82))
HULL_POLYS = (
    ((-60, +130), (+60, +130), (+60, +110), (-60, +110)),
    ((-15, +120), (+15, +120), (+20, +20), (-20, 20)),
    (
        (+25, +20),
        (+50, -10),
        (+50, -40),
        (+20, -90),
        (-20, -90),
        (-50, -40),
        (-50, -10),
        (-25, +20),
    ),
    ((-50, -120), (+50, -120), (+50, -90), (-50, -90)),
)
HULL_COLOUR = (204, 0, 0)
WHEEL_COLOUR = (0, 0, 0)
WHEEL_WHITE = (77, 77, 77)
STRIPE = 1.2  # radians of a wheel that are white
MAX_MOTOR_TORQUE = F(180 * 900 * SIZE * SIZE)
LOWER_ANGLE, UPPER_ANGLE = F(-0.4), F(+0.4)

# --- Bodies [M]: the hull, then the wheels, whose centre is their origin
HULL_MASS = F(7.059999942779541)
HULL_INERTIA = F(18.260364532470703)  # about the origin
HULL_CENTRE = (F(1.4774523826588393e-09), F(-0.08253088593482971))
WHEEL_MASS = F(0.06048000603914261)
WHEEL_INERTIA = F(0.007459200918674469)
# Vertices of a wheel in Box2D's order.
WHEEL_POLY = np.array(
    [[0.28, -0.54], [0.28, 0.54], [-0.28, 0.54], [-0.28, -0.54]], dtype=np.float32
)

# --- Solver [R], [B]
VELOCITY_ITERATIONS = 6 * 30
POSITION_ITERATIONS = 2 * 30
B2_PI = F(3.14159265359)
EPSILON = F(1.19209290e-7)
LINEAR_SLOP = F(0.005)
ANGULAR_SLOP = F(F(2) / F(180)) * B2_PI
MAX_ANGULAR_CORRECTION = F(F(8) / F(180)) * B2_PI
MAX_TRANSLATION = F(2)
MAX_ROTATION = F(0.5) * B2_PI
POLYGON_RADIUS = F(2) * LINEAR_SLOP
TIME_TO_SLEEP = F(0.5)
LINEAR_SLEEP = F(0.01)
ANGULAR_SLEEP = F(F(2) / F(180)) * B2_PI
