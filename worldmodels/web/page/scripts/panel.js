// Words, numbers and controls around the dream.

const get = (id) => document.getElementById(id);
const DRIVERS = ["you", "agent"];
const number = (value) => value.toLocaleString("en");
const percent = (share) => `${(100 * share).toFixed(0)}\u00a0%`;

export class Panel {
  #facts;
  #driver;

  constructor() {
    const temperature = get("temperature");
    temperature.addEventListener("input", () => this.#showTemperature());
    temperature.addEventListener("pointerup", () => temperature.blur()); // the arrows steer again
    for (const driver of DRIVERS)
      get(driver).addEventListener("click", () => (this.driver = driver));
  }

  /** Buttons for the agents, if there is a choice. */
  offer(agents, onChoose) {
    const titles = agents.map((facts) => facts.title);
    const tabs = agents.map((facts, i) => {
      const tab = document.createElement("button");
      const unique = titles.indexOf(facts.title) === titles.lastIndexOf(facts.title);
      tab.type = "button";
      tab.textContent = unique ? facts.title : facts.name;
      tab.ariaPressed = String(i === 0);
      tab.addEventListener("click", () => {
        for (const other of tabs) other.ariaPressed = String(other === tab);
        onChoose(facts);
      });
      return tab;
    });
    get("agents").replaceChildren(...(tabs.length > 1 ? tabs : []));
  }

  /** Say what there is to say about an agent. */
  describe(facts) {
    this.#facts = facts;
    get("title").textContent = `Inside a dream of ${facts.title}`;
    get("screen").ariaLabel = `The dream of ${facts.title}, as V draws it`;
    get("steps-name").textContent = facts.ends ? "Steps survived" : "Steps";
    get("end-readout").hidden = !facts.ends;
    get("no-score").hidden = facts.ends;
    get("latents-title").innerHTML =
      `<i class="sym">z</i>, all that there is: ${facts.latent} numbers`;
    get("latent-count").textContent = facts.latent;
    for (const part of ["v", "m", "c"]) {
      const count = facts.parameters[part];
      get(`${part}-size`).textContent = count ? `${number(count)} parameters` : "not trained yet";
    }
    for (const part of document.querySelectorAll(".sees-memory")) {
      part.toggleAttribute("hidden", !facts.sees_memory);
    }
    get("temperature").value = facts.temperature;
    this.#showTemperature();
    get("agent").disabled = !facts.has_controller;
    this.driver = facts.has_controller ? "agent" : "you";
  }

  get state() {
    return document.body.dataset.state;
  }

  set state(state) {
    document.body.dataset.state = state;
    get("pause").textContent = ["paused", "pulled"].includes(state) ? "Go on" : "Pause";
    get("pause").disabled = state === "over";
    get("over").hidden = state !== "over";
    for (const id of ["agents", "panel"]) get(id).inert = state === "loading";
  }

  get seed() {
    const seed = Math.trunc(get("seed").valueAsNumber);
    return Number.isFinite(seed) && seed >= 0 ? seed : 1;
  }

  set seed(seed) {
    get("seed").value = seed;
  }

  get temperature() {
    return get("temperature").valueAsNumber;
  }

  /** Who steers: "you" or "agent". */
  get driver() {
    return this.#driver;
  }

  set driver(driver) {
    this.#driver = driver;
    for (const other of DRIVERS) get(other).ariaPressed = String(other === driver);
    get("diagram-driver").textContent = driver === "you" ? "you" : "C";
  }

  /** The numbers of a dream under way. */
  show(dream, rate) {
    get("steps").textContent = number(dream.steps);
    get("time").textContent = `${(dream.steps / this.#facts.frames_per_s).toFixed(1)} s`;
    if (rate !== null) get("rate").textContent = rate.toFixed(0);
    if (dream.end !== null) {
      get("end").value = dream.end;
      get("end").title = get("end").textContent = percent(dream.end);
    }
  }

  /** Say how a dream ended. */
  showEnd(dream) {
    const who = this.driver === "you" ? "You" : "C";
    const steps = number(dream.steps);
    const [title, text] = dream.isDead
      ? [
          `${who} died at step ${steps} in the dream`,
          `M gave the end a probability of ${percent(dream.end)}.`,
        ]
      : [`${who} survived all ${steps} steps`, "The game lasts no longer, so the dream ends here."];
    get("over-title").textContent = title;
    get("over-text").textContent = text;
    if (document.activeElement === document.body) get("over-again").focus({ preventScroll: true });
  }

  #showTemperature() {
    const { min, max, style } = get("temperature");
    style.setProperty("--at", (this.temperature - min) / (max - min));
    get("temperature-value").value = `τ = ${this.temperature.toFixed(2)}`;
  }
}
