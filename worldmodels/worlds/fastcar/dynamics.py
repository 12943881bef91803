"""The car as Box2D 2.3 moves it: a hull, four wheels, four motorised joints with limits.

A transcription of the solver for these five bodies, in float32 and in its order of operations, so
that every number equals Box2D's to the last bit. What can be left out is left out: the wheels'
joints lie in their centres, so terms with their arm are zero; nothing is damped or falls; tiles
are sensors and stop nothing.

A body is a row: centre of mass x, y (m), angle (rad), velocity x, y (m/s), angular (rad/s).
Row 0 is the hull, rows 1 to 4 the wheels. A joint is a row: impulse x, y, of the limit, of the
motor.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Int8

from worldmodels.kernel import kernel
from worldmodels.worlds.fastcar.constants import (
    ANGULAR_SLEEP,
    ANGULAR_SLOP,
    DT,
    HULL_CENTRE,
    HULL_INERTIA,
    HULL_MASS,
    LINEAR_SLEEP,
    LINEAR_SLOP,
    LOWER_ANGLE,
    MAX_ANGULAR_CORRECTION,
    MAX_MOTOR_TORQUE,
    MAX_ROTATION,
    MAX_TRANSLATION,
    POSITION_ITERATIONS,
    SIZE,
    TIME_TO_SLEEP,
    UPPER_ANGLE,
    VELOCITY_ITERATIONS,
    WHEEL_INERTIA,
    WHEEL_MASS,
    WHEELPOS,
    F,
)

ZERO, ONE = F(0), F(1)
H = F(DT)
HULL_X, HULL_Y = HULL_CENTRE
M_HULL, M_WHEEL = ONE / HULL_MASS, ONE / WHEEL_MASS
I_HULL = ONE / (HULL_INERTIA - HULL_MASS * (HULL_X * HULL_X + HULL_Y * HULL_Y))
I_WHEEL = ONE / WHEEL_INERTIA
MOTOR_MASS = ONE / (I_HULL + I_WHEEL)
MAX_IMPULSE = H * MAX_MOTOR_TORQUE
MAX_TRANSLATION_SQUARED = MAX_TRANSLATION * MAX_TRANSLATION
MAX_ROTATION_SQUARED = MAX_ROTATION * MAX_ROTATION
LINEAR_SLEEP_SQUARED = LINEAR_SLEEP * LINEAR_SLEEP
ANGULAR_SLEEP_SQUARED = ANGULAR_SLEEP * ANGULAR_SLEEP
# From the hull's centre of mass to the wheels, in the hull's frame.
ARMS = np.array([[F(x * SIZE), F(y * SIZE)] for x, y in WHEELPOS], dtype=np.float32)
ARMS -= np.array(HULL_CENTRE, dtype=np.float32)

LOWER, FREE, UPPER = -1, 0, 1  # limit states of a joint
# Columns of the scratch table: a joint's constants during a step.
ARM_X, ARM_Y, K11, K12, K22, DET2, K13, K23, C1, C2, C3, DET3, SPEED = range(13)
COLUMNS = 13
LONGEST_PERIOD = 4  # of the repetitions that are looked for


@kernel
def start_joint(
    j: int,
    bodies: Float32[np.ndarray, "5 6"],
    joints: Float32[np.ndarray, "4 4"],
    limits: Int8[np.ndarray, " 4"],
    table: Float32[np.ndarray, "4 13"],
) -> None:
    """b2RevoluteJoint::InitVelocityConstraints: masses, limit state, warm start."""
    hull, wheel, t = bodies[0], bodies[j + 1], table[j]
    c, s = math.cos(hull[2]), math.sin(hull[2])
    rx = c * ARMS[j, 0] - s * ARMS[j, 1]
    ry = s * ARMS[j, 0] + c * ARMS[j, 1]
    k33 = I_HULL + I_WHEEL
    t[ARM_X], t[ARM_Y] = rx, ry
    t[K11] = M_HULL + M_WHEEL + ry * ry * I_HULL
    t[K12] = -ry * rx * I_HULL
    t[K22] = M_HULL + M_WHEEL + rx * rx * I_HULL
    t[K13] = -ry * I_HULL
    t[K23] = rx * I_HULL
    t[DET2] = ONE / (t[K11] * t[K22] - t[K12] * t[K12])
    # The second column of the 3x3 matrix times the third, and with it the determinant.
    t[C1] = t[K22] * k33 - t[K23] * t[K23]
    t[C2] = t[K23] * t[K13] - t[K12] * k33
    t[C3] = t[K12] * t[K23] - t[K22] * t[K13]
    t[DET3] = ONE / (t[K11] * t[C1] + t[K12] * t[C2] + t[K13] * t[C3])

    angle = wheel[2] - hull[2]
    state = LOWER if angle <= LOWER_ANGLE else (UPPER if angle >= UPPER_ANGLE else FREE)
    if state == FREE or state != limits[j]:
        joints[j, 2] = ZERO
    limits[j] = state

    px, py = joints[j, 0], joints[j, 1]
    hull[3] -= M_HULL * px
    hull[4] -= M_HULL * py
    hull[5] -= I_HULL * ((rx * py - ry * px) + joints[j, 3] + joints[j, 2])
    wheel[3] += M_WHEEL * px
    wheel[4] += M_WHEEL * py
    wheel[5] += I_WHEEL * (joints[j, 3] + joints[j, 2])


@kernel
def iterate_velocities(
    bodies: Float32[np.ndarray, "5 6"],
    joints: Float32[np.ndarray, "4 4"],
    limits: Int8[np.ndarray, " 4"],
    table: Float32[np.ndarray, "4 13"],
    pushes: Float32[np.ndarray, "4 2"],
) -> None:
    """One pass of b2RevoluteJoint::SolveVelocityConstraints; `pushes` gets its impulses x, y."""
    k33 = I_HULL + I_WHEEL
    hx, hy, hw = bodies[0, 3], bodies[0, 4], bodies[0, 5]
    for j in range(3, -1, -1):  # Box2D's island holds the newest joint first
        vx, vy, w = bodies[j + 1, 3], bodies[j + 1, 4], bodies[j + 1, 5]
        rx, ry = table[j, ARM_X], table[j, ARM_Y]
        k11, k12, k22 = table[j, K11], table[j, K12], table[j, K22]

        impulse = -MOTOR_MASS * (w - hw - table[j, SPEED])
        motor = max(-MAX_IMPULSE, min(joints[j, 3] + impulse, MAX_IMPULSE))
        impulse = motor - joints[j, 3]
        joints[j, 3] = motor
        hw -= I_HULL * impulse
        w += I_WHEEL * impulse

        bx, by = vx - hx - (-hw * ry), vy - hy - hw * rx
        if limits[j] == FREE:
            px = table[j, DET2] * (k22 * -bx - k12 * -by)
            py = table[j, DET2] * (k11 * -by - k12 * -bx)
            hw -= I_HULL * (rx * py - ry * px)
        else:
            bz = w - hw
            k13, k23, det = table[j, K13], table[j, K23], table[j, DET3]
            px = -(det * (bx * table[j, C1] + by * table[j, C2] + bz * table[j, C3]))
            py = -(
                det
                * (
                    k11 * (by * k33 - bz * k23)
                    + k12 * (bz * k13 - bx * k33)
                    + k13 * (bx * k23 - by * k13)
                )
            )
            pz = -(
                det
                * (
                    k11 * (k22 * bz - k23 * by)
                    + k12 * (k23 * bx - k12 * bz)
                    + k13 * (k12 * by - k22 * bx)
                )
            )
            total = joints[j, 2] + pz
            if (limits[j] == LOWER and total < 0) or (limits[j] == UPPER and total > 0):
                # The limit would have to pull: only the point holds.
                ux, uy = -bx + joints[j, 2] * k13, -by + joints[j, 2] * k23
                px = table[j, DET2] * (k22 * ux - k12 * uy)
                py = table[j, DET2] * (k11 * uy - k12 * ux)
                pz = -joints[j, 2]
                total = ZERO
            joints[j, 2] = total
            hw -= I_HULL * ((rx * py - ry * px) + pz)
            w += I_WHEEL * pz
        hx -= M_HULL * px
        hy -= M_HULL * py
        bodies[j + 1, 3] = vx + M_WHEEL * px
        bodies[j + 1, 4] = vy + M_WHEEL * py
        bodies[j + 1, 5] = w
        joints[j, 0] += px
        joints[j, 1] += py
        pushes[j, 0] = px
        pushes[j, 1] = py
    bodies[0, 3], bodies[0, 4], bodies[0, 5] = hx, hy, hw


@kernel
def keep(
    bodies: Float32[np.ndarray, "5 6"],
    joints: Float32[np.ndarray, "4 4"],
    kept: Float32[np.ndarray, "5 5"],
) -> None:
    """Remember all that the next pass depends on."""
    for i in range(5):
        for c in range(3):
            kept[i, c] = bodies[i, 3 + c]
    for j in range(4):
        kept[j, 3] = joints[j, 2]
        kept[j, 4] = joints[j, 3]


@kernel
def is_kept(
    bodies: Float32[np.ndarray, "5 6"],
    joints: Float32[np.ndarray, "4 4"],
    kept: Float32[np.ndarray, "5 5"],
) -> bool:
    """Whether the solver is in the remembered state again."""
    same = True
    for i in range(5):
        for c in range(3):
            same &= bool(kept[i, c] == bodies[i, 3 + c])
    for j in range(4):
        same &= bool(kept[j, 3] == joints[j, 2]) and bool(kept[j, 4] == joints[j, 3])
    return same


@kernel
def solve_velocities(
    bodies: Float32[np.ndarray, "5 6"],
    joints: Float32[np.ndarray, "4 4"],
    limits: Int8[np.ndarray, " 4"],
    table: Float32[np.ndarray, "4 13"],
    kept: Float32[np.ndarray, "5 5"],
    pushes: Float32[np.ndarray, "4 4 2"],
) -> None:
    """Box2D's 180 passes, without repeating any.

    Rounding soon brings a state back, mostly that of the pass before or of the one before that.
    From then on the passes repeat themselves, and but for the sums of their impulses nothing is
    left to compute.
    """
    k, period = 0, 0
    while k < VELOCITY_ITERATIONS and period == 0:
        if k % LONGEST_PERIOD == 0:
            keep(bodies, joints, kept)
        iterate_velocities(bodies, joints, limits, table, pushes[0])
        k += 1
        if is_kept(bodies, joints, kept):
            period = (k - 1) % LONGEST_PERIOD + 1
    if period > 0 and VELOCITY_ITERATIONS - k > period:
        for phase in range(period):
            iterate_velocities(bodies, joints, limits, table, pushes[phase])
        k += period
        while VELOCITY_ITERATIONS - k >= period:
            for phase in range(period):
                for j in range(4):
                    joints[j, 0] += pushes[phase, j, 0]
                    joints[j, 1] += pushes[phase, j, 1]
            k += period
    for _ in range(VELOCITY_ITERATIONS - k):
        iterate_velocities(bodies, joints, limits, table, pushes[0])


@kernel
def integrate(bodies: Float32[np.ndarray, "5 6"]) -> None:
    """Move all bodies on, none of them faster than Box2D allows."""
    for i in range(5):
        body = bodies[i]
        tx, ty = H * body[3], H * body[4]
        squared = tx * tx + ty * ty
        if squared > MAX_TRANSLATION_SQUARED:
            ratio = MAX_TRANSLATION / math.sqrt(squared)
            body[3] *= ratio
            body[4] *= ratio
        turn = H * body[5]
        if turn * turn > MAX_ROTATION_SQUARED:
            body[5] *= MAX_ROTATION / abs(turn)
        body[0] += H * body[3]
        body[1] += H * body[4]
        body[2] += H * body[5]


@kernel
def correct_joint(
    j: int, bodies: Float32[np.ndarray, "5 6"], limits: Int8[np.ndarray, " 4"]
) -> bool:
    """b2RevoluteJoint::SolvePositionConstraints; whether nothing was left to correct."""
    hull, wheel = bodies[0], bodies[j + 1]
    error = ZERO
    if limits[j] != FREE:
        angle = wheel[2] - hull[2]
        if limits[j] == LOWER:
            excess = angle - LOWER_ANGLE
            error = -excess
            excess = max(-MAX_ANGULAR_CORRECTION, min(excess + ANGULAR_SLOP, ZERO))
        else:
            excess = angle - UPPER_ANGLE
            error = excess
            excess = max(ZERO, min(excess - ANGULAR_SLOP, MAX_ANGULAR_CORRECTION))
        impulse = -MOTOR_MASS * excess
        hull[2] -= I_HULL * impulse
        wheel[2] += I_WHEEL * impulse
    c, s = math.cos(hull[2]), math.sin(hull[2])
    rx = c * ARMS[j, 0] - s * ARMS[j, 1]
    ry = s * ARMS[j, 0] + c * ARMS[j, 1]
    cx, cy = wheel[0] - hull[0] - rx, wheel[1] - hull[1] - ry
    k11 = M_HULL + M_WHEEL + I_HULL * ry * ry
    k12 = -I_HULL * rx * ry
    k22 = M_HULL + M_WHEEL + I_HULL * rx * rx
    det = ONE / (k11 * k22 - k12 * k12)
    px = -(det * (k22 * cx - k12 * cy))
    py = -(det * (k11 * cy - k12 * cx))
    hull[0] -= M_HULL * px
    hull[1] -= M_HULL * py
    hull[2] -= I_HULL * (rx * py - ry * px)
    wheel[0] += M_WHEEL * px
    wheel[1] += M_WHEEL * py
    return bool(math.sqrt(cx * cx + cy * cy) <= LINEAR_SLOP and error <= ANGULAR_SLOP)


@kernel
def correct_positions(bodies: Float32[np.ndarray, "5 6"], limits: Int8[np.ndarray, " 4"]) -> bool:
    """Up to 60 passes over the joints; whether the last one found nothing to correct."""
    for _ in range(POSITION_ITERATIONS):
        solved = True
        for j in range(3, -1, -1):
            solved &= correct_joint(j, bodies, limits)
        if solved:
            return True
    return False


@kernel
def rest(
    bodies: Float32[np.ndarray, "5 6"], calm_s: Float32[np.ndarray, " 5"], solved: bool
) -> None:
    """Box2D's sleep: after half a second almost at rest all velocities become zero."""
    least = TIME_TO_SLEEP
    for i in range(5):
        vx, vy, w = bodies[i, 3], bodies[i, 4], bodies[i, 5]
        if w * w > ANGULAR_SLEEP_SQUARED or vx * vx + vy * vy > LINEAR_SLEEP_SQUARED:
            calm_s[i] = ZERO
        else:
            calm_s[i] += H
        least = min(least, calm_s[i])
    if least >= TIME_TO_SLEEP and solved:
        calm_s[:] = ZERO
        bodies[:, 3:] = ZERO


@kernel
def step_bodies(
    bodies: Float32[np.ndarray, "5 6"],
    joints: Float32[np.ndarray, "4 4"],
    limits: Int8[np.ndarray, " 4"],
    calm_s: Float32[np.ndarray, " 5"],
    forces: Float32[np.ndarray, "4 2"],
    speeds: Float32[np.ndarray, " 4"],
    table: Float32[np.ndarray, "4 13"],
    kept: Float32[np.ndarray, "5 5"],
    pushes: Float32[np.ndarray, "4 4 2"],
) -> None:
    """b2World::Step for one car: forces (N) on the wheels, motor speeds (rad/s) of the joints."""
    for j in range(4):
        bodies[j + 1, 3] += H * (M_WHEEL * forces[j, 0])
        bodies[j + 1, 4] += H * (M_WHEEL * forces[j, 1])
        table[j, SPEED] = speeds[j]
    for j in range(3, -1, -1):
        start_joint(j, bodies, joints, limits, table)
    solve_velocities(bodies, joints, limits, table, kept, pushes)
    integrate(bodies)
    rest(bodies, calm_s, correct_positions(bodies, limits))
