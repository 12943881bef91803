// Keys and pads that steer, and what they show of the actions of either driver.

const CODES = {
  ArrowLeft: "left",
  KeyA: "left",
  ArrowRight: "right",
  KeyD: "right",
  ArrowUp: "up",
  KeyW: "up",
  ArrowDown: "down",
  KeyS: "down",
};
const ARROWS = { left: "←", up: "↑", down: "↓", right: "→" };

export class Steering {
  #group;
  #isOn;
  #onGrab;
  #held = new Set();
  #facts;
  #pads = new Map();

  /** `isOn` says whether keys steer now; `onGrab` is called when somebody begins to. */
  constructor(group, isOn, onGrab) {
    this.#group = group;
    this.#isOn = isOn;
    this.#onGrab = onGrab;
    addEventListener("keydown", (event) => this.#key(event, true));
    addEventListener("keyup", (event) => this.#key(event, false));
    addEventListener("blur", () => this.#held.clear());
  }

  /** Take up the keys of another game. */
  use(facts) {
    this.#facts = facts;
    this.#held.clear();
    this.#pads.clear();
    for (const name of Object.keys(ARROWS)) {
      if (name in facts.steering) this.#pads.set(name, this.#pad(name));
    }
    this.#group.replaceChildren(...this.#pads.values());
  }

  /** What is being pressed, as an action. */
  get action() {
    const { action_low, action_high, steering } = this.#facts;
    const sum = new Float32Array(action_low.length);
    for (const name of this.#held) steering[name].forEach((part, i) => (sum[i] += part));
    return sum.map((value, i) => Math.min(Math.max(value, action_low[i]), action_high[i]));
  }

  /** Light each pad as far as `action` goes its way. */
  show(action) {
    for (const [name, pad] of this.#pads) {
      const way = this.#facts.steering[name];
      const along = way.reduce((sum, part, i) => sum + part * action[i], 0);
      const full = way.reduce((sum, part) => sum + part * part, 0);
      pad.style.setProperty("--lit", Math.min(Math.max(along / full, 0), 1).toFixed(2));
    }
  }

  #key(event, down) {
    const name = CODES[event.code];
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (!this.#pads.has(name)) return;
    if (down && (modified || !this.#isOn() || event.target.matches?.("input"))) return;
    event.preventDefault(); // or the arrows would scroll the page
    this.#hold(name, down);
  }

  #hold(name, down) {
    if (!down) this.#held.delete(name);
    else if (!this.#held.has(name)) {
      this.#held.add(name);
      this.#onGrab();
    }
  }

  #pad(name) {
    const pad = document.createElement("button");
    pad.type = "button";
    pad.textContent = ARROWS[name];
    pad.ariaLabel = `steer ${name}`;
    pad.dataset.way = name;
    pad.addEventListener("pointerdown", (event) => {
      pad.setPointerCapture(event.pointerId);
      this.#hold(name, true);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      pad.addEventListener(end, () => this.#hold(name, false));
    }
    for (const [event, down] of [
      ["keydown", true],
      ["keyup", false],
    ]) {
      pad.addEventListener(event, ({ key }) => {
        if (key === " " || key === "Enter") this.#hold(name, down);
      });
    }
    pad.addEventListener("contextmenu", (event) => event.preventDefault());
    return pad;
  }
}
