// A dream: what worldmodels/worlds/dream.py does for one episode, with networks in the browser.

import { Stream, normal, uniform } from "./noise.js";

export class Dream {
  #networks;
  #facts;
  #turn = 0; // counts what comes between a step's begin and its end

  constructor(networks, facts) {
    this.#networks = networks;
    this.#facts = facts;
  }

  /** Begin at a recorded first frame, which the seed chooses. */
  async begin(seed) {
    const draw = normal(seed, 0, Stream.FIRST, this.#facts.latent);
    this.#restart(seed, await this.#networks.start(uniform(seed, 0, Stream.PICK, 1), draw));
    await this.#redraw();
  }

  /** Begin at a z of one's choice. */
  async beginAt(seed, z) {
    this.#restart(seed, Float32Array.from(z));
    await this.#redraw();
  }

  /** Put another z in the place of this one; M's memory stays. */
  async change(z) {
    this.drop();
    this.z = Float32Array.from(z);
    await this.#redraw();
  }

  /** Forget a step that is under way. */
  drop() {
    this.#turn += 1;
  }

  /** Take a step with an action, C's own if it is null; false if something came between. */
  async advance(action, temperature) {
    const turn = this.#turn;
    const { latent } = this.#facts;
    const result = await this.#networks.step({
      z: this.z,
      h: this.h,
      c: this.c,
      action,
      starts: this.steps === 0,
      pick: uniform(this.seed, this.steps, Stream.COMPONENT, latent),
      draw: normal(this.seed, this.steps, Stream.WITHIN, latent),
      temperature,
    });
    if (turn !== this.#turn) return false;
    Object.assign(this, result);
    this.steps += 1;
    return true;
  }

  /** M holds the end for more likely than not. */
  get isDead() {
    return this.end !== null && this.end > 0.5;
  }

  /** A dream that can end has lasted as long as the game does. */
  get isSurvived() {
    return this.#facts.ends && !this.isDead && this.steps >= this.#facts.max_steps;
  }

  #restart(seed, z) {
    this.drop();
    this.seed = seed;
    this.steps = 0;
    this.z = z;
    this.h = new Float32Array(this.#facts.hidden);
    this.c = new Float32Array(this.#facts.hidden);
    this.action = new Float32Array(this.#facts.action_low.length);
    this.end = this.#facts.ends ? 0 : null;
  }

  async #redraw() {
    const turn = this.#turn;
    const frame = await this.#networks.draw(this.z);
    if (turn === this.#turn) this.frame = frame;
  }
}
