// z as sliders that can be pulled.

const REACH = 4; // V keeps z near the standard normal: few values lie further out
const PERIOD_MS = 80; // between updates: sliders are slow to draw, and nobody reads them faster

export class Latents {
  #group;
  #value;
  #faders = [];
  #shown = 0;

  /** `onPull` is called with the position and the new value of a number that is pulled. */
  constructor(group, value, onPull) {
    this.#group = group;
    this.#value = value;
    group.addEventListener("input", ({ target }) => {
      this.#mark(target);
      onPull(this.#faders.indexOf(target), target.valueAsNumber);
    });
    for (const name of ["pointerover", "focusin"]) {
      group.addEventListener(name, ({ target }) => this.#name(target));
    }
  }

  /** Make `count` sliders. */
  use(count) {
    this.#faders = Array.from({ length: count }, (_, i) => {
      const fader = document.createElement("input");
      Object.assign(fader, { type: "range", min: -REACH, max: REACH, step: 0.01, value: 0 });
      fader.ariaLabel = `z${i}`; // numbered as in the report and in Python
      fader.addEventListener("dblclick", () => {
        fader.value = 0;
        fader.dispatchEvent(new Event("input", { bubbles: true }));
      });
      return fader;
    });
    this.#group.replaceChildren(...this.#faders);
    this.#group.style.setProperty("--count", count);
    this.#value.value = "";
  }

  /** Show a z among others that follow each other quickly. */
  glance(z) {
    if (performance.now() - this.#shown >= PERIOD_MS) this.show(z);
  }

  /** Show another z. */
  show(z) {
    this.#shown = performance.now();
    this.#faders.forEach((fader, i) => {
      fader.value = z[i];
      this.#mark(fader);
    });
  }

  #mark(fader) {
    fader.style.setProperty("--at", ((fader.valueAsNumber + REACH) / (2 * REACH)).toFixed(3));
    if (fader === document.activeElement) this.#name(fader);
  }

  #name(fader) {
    if (!this.#faders.includes(fader)) return;
    const value = fader.valueAsNumber.toFixed(2).replace("-", "−");
    this.#value.value = `${fader.ariaLabel}: ${value}`;
  }
}
