"""What the wheels do to the car: engine, brakes, steering, grip; in float64 as in Gymnasium."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float, Float32

from worldmodels.kernel import kernel
from worldmodels.worlds.fastcar.constants import (
    BLOCKING_BRAKE,
    BRAKE_FORCE,
    DT,
    ENGINE_POWER,
    FRICTION_LIMIT,
    GAS_RISE,
    GRASS_FRICTION,
    ROAD_FRICTION,
    SLIP_FORCE,
    STEER_GAIN,
    STEER_SPEED,
    WHEEL_MOMENT_OF_INERTIA,
    WHEEL_RAD,
)

GAS, OMEGA, PHASE = range(3)  # a wheel's row: gas, angular velocity (rad/s), angle (rad)


@kernel
def turn_wheels(
    action: Float[np.ndarray, " 3"],
    bodies: Float32[np.ndarray, "5 6"],
    wheels: Float[np.ndarray, "4 3"],
    on_road: Bool[np.ndarray, " 4"],
    forces: Float32[np.ndarray, "4 2"],
    speeds: Float32[np.ndarray, " 4"],
) -> None:
    """`Car.steer`, `gas`, `brake` and `step`: updates `wheels`, fills `forces` and `speeds`."""
    gas, brake = min(max(action[1], 0.0), 1.0), action[2]
    for j in range(4):
        wheel, body = wheels[j], bodies[j + 1]
        steer = -action[0] if j < 2 else 0.0
        if j >= 2:
            wheel[GAS] += min(gas - wheel[GAS], GAS_RISE)
        error = steer - np.float64(body[2] - bodies[0, 2])
        speeds[j] = np.float32(np.sign(error) * min(STEER_GAIN * abs(error), STEER_SPEED))

        limit = FRICTION_LIMIT * (ROAD_FRICTION if on_road[j] else GRASS_FRICTION)
        c, s = np.float64(math.cos(body[2])), np.float64(math.sin(body[2]))
        vx, vy = np.float64(body[3]), np.float64(body[4])
        forward, sideways = -s * vx + c * vy, c * vx + s * vy

        omega = wheel[OMEGA]
        # A small constant, so as not to divide by zero.
        omega += DT * ENGINE_POWER * wheel[GAS] / WHEEL_MOMENT_OF_INERTIA / (abs(omega) + 5.0)
        if brake >= BLOCKING_BRAKE:
            omega = 0.0
        elif brake > 0:
            omega -= np.sign(omega) * min(BRAKE_FORCE * brake, abs(omega))
        wheel[PHASE] += omega * DT

        f_force = (-forward + omega * WHEEL_RAD) * SLIP_FORCE
        p_force = -sideways * SLIP_FORCE
        force = math.sqrt(f_force * f_force + p_force * p_force)
        if force > limit:
            f_force = f_force / force * limit
            p_force = p_force / force * limit
        wheel[OMEGA] = omega - DT * f_force * WHEEL_RAD / WHEEL_MOMENT_OF_INERTIA
        forces[j, 0] = np.float32(p_force * c + f_force * -s)
        forces[j, 1] = np.float32(p_force * s + f_force * c)
