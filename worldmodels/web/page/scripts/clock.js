// When steps are due: as many a second as the game has, and none that the page cannot show.

const WINDOW_MS = 1000; // over which the rate is measured

export class Clock {
  #tick;
  #onFailure;
  #period = 0;
  #due = 0;
  #busy = false;
  #request = 0;
  #shown = [];

  /** `tick` takes a step; it resolves to whether a frame was shown. A failure stops the clock. */
  constructor(tick, onFailure) {
    this.#tick = tick;
    this.#onFailure = onFailure;
  }

  /** Steps a second, over the last second; null before there are any. */
  get rate() {
    const shown = this.#shown;
    if (shown.length < 2) return null;
    return ((shown.length - 1) * 1000) / (shown.at(-1) - shown[0]);
  }

  start(stepsPerSecond) {
    this.stop();
    this.#period = 1000 / stepsPerSecond;
    this.#due = performance.now();
    this.#shown = [];
    this.#request = requestAnimationFrame(this.#look);
  }

  stop() {
    cancelAnimationFrame(this.#request);
  }

  #look = async (now) => {
    this.#request = requestAnimationFrame(this.#look);
    if (this.#busy || now < this.#due) return;
    this.#due = Math.max(this.#due + this.#period, now - this.#period); // never catch up by more
    this.#busy = true;
    try {
      if (await this.#tick()) this.#count(performance.now());
    } catch (error) {
      this.stop();
      this.#onFailure(error);
    } finally {
      this.#busy = false;
    }
  };

  #count(now) {
    this.#shown.push(now);
    while (now - this.#shown[0] > WINDOW_MS) this.#shown.shift();
  }
}
