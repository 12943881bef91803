// Random numbers that depend on (seed, step, dimension) alone: those of worldmodels/models/noise.py,
// so that a seed begins the same dream here and in Python.

const MASK = (1n << 64n) - 1n;
// SplitMix64: Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators".
const GAMMA = 0x9e3779b97f4a7c15n;
const MIX_1 = 0xbf58476d1ce4e5b9n;
const MIX_2 = 0x94d049bb133111ebn;
const RANGE = 2 ** 23;

/** What the numbers are for; the streams of worldmodels/worlds/dream.py. */
export const Stream = Object.freeze({ PICK: 0n, FIRST: 1n, COMPONENT: 3n, WITHIN: 4n });

function mixed(x) {
  x = ((x ^ (x >> 30n)) * MIX_1) & MASK;
  x = ((x ^ (x >> 27n)) * MIX_2) & MASK;
  return x ^ (x >> 31n);
}

/** `size` uniform numbers in (0, 1). */
export function uniform(seed, step, stream, size) {
  const start = mixed((BigInt(seed) * GAMMA + stream) & MASK);
  const key = mixed((start + BigInt(step) * GAMMA) & MASK);
  return Float32Array.from({ length: size }, (_, i) => {
    const bits = mixed((key + BigInt(i + 1) * GAMMA) & MASK) >> 41n;
    return (Number(bits) + 0.5) / RANGE;
  });
}

/** `size` standard normal numbers. */
export function normal(seed, step, stream, size) {
  return uniform(seed, step, stream, size).map(quantile);
}

// Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution", PPND7.
const CENTRE = [
  [59.10937472, 159.29113202, 50.434271938, 3.3871327179],
  [67.18756362, 78.757757664, 17.895169469, 1],
];
const NEAR = [
  [0.17023821103, 1.3067284816, 2.75681539, 1.4234372777],
  [0, 0.12021132975, 0.7370016425, 1],
];
const FAR = [
  [0.017337203997, 0.42868294337, 3.081226386, 6.657905115],
  [0, 0.012258202635, 0.24197894225, 1],
];

const polynomial = (coefficients, x) => coefficients.reduce((sum, a) => sum * x + a, 0);
const ratio = ([above, below], x) => polynomial(above, x) / polynomial(below, x);

function quantile(p) {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  return Math.sign(q) * (r <= 5 ? ratio(NEAR, r - 1.6) : ratio(FAR, r - 5));
}
