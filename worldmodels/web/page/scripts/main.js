// The page: what the visitor does, and what the dream answers.

import { Clock } from "./clock.js";
import { Dream } from "./dream.js";
import { showGallery } from "./gallery.js";
import { Latents } from "./latents.js";
import { Networks } from "./networks.js";
import { Panel } from "./panel.js";
import { Screen } from "./screen.js";
import { Steering } from "./steering.js";
import { offerTheme } from "./theme.js";

const get = (id) => document.getElementById(id);

/** Its states: loading, dreaming, paused, pulled (z was changed by hand), over. */
class Page {
  #networks = new Networks();
  #panel = new Panel();
  #screen = new Screen(get("screen"), get("echo"));
  #clock = new Clock(() => this.#step(), fail);
  #latents = new Latents(get("faders"), get("latents-value"), (i, value) => this.#pull(i, value));
  #steering = new Steering(
    get("keys"),
    () => this.#panel.state === "dreaming",
    () => (this.#panel.driver = "you"),
  );
  #facts;
  #dream;
  #kept; // z before it was pulled

  constructor(agents) {
    const act = {
      pause: () => this.#pause(),
      restart: () => this.#begin(this.#panel.seed),
      new: () => this.#begin(this.#panel.seed + 1),
      resume: () => this.#run(),
      reset: () => this.#putBack(),
    };
    const buttons = { ...act, "over-again": act.restart, "over-new": act.new };
    for (const [id, answer] of Object.entries(buttons)) {
      get(id).addEventListener("click", () => guarded(answer));
    }
    get("seed").addEventListener("change", () => guarded(act.restart));
    const keys = { Space: act.pause, KeyR: act.restart, KeyN: act.new };
    addEventListener("keydown", (event) => this.#key(event, keys[event.code]));
    this.#panel.offer(agents, (facts) => guarded(() => this.open(facts)));
  }

  /** Take up an agent, and fall asleep. */
  async open(facts) {
    this.#stop("loading");
    this.#facts = facts;
    this.#panel.describe(facts);
    this.#steering.use(facts);
    this.#latents.use(facts.latent);
    get("gallery").replaceChildren();
    await this.#networks.open(facts);
    const choose = (z) => guarded(() => this.#beginAt(z));
    await showGallery(get("gallery"), facts, this.#networks, choose);
    this.#dream = new Dream(this.#networks, facts);
    await this.#begin(this.#panel.seed);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.#stop("paused");
  }

  /** Begin the dream of a seed. */
  async #begin(seed) {
    this.#panel.seed = seed;
    await this.#dream.begin(seed);
    this.#run();
  }

  /** Begin a dream at the z of a real frame. */
  async #beginAt(z) {
    await this.#dream.beginAt(this.#panel.seed, z);
    get("screen").scrollIntoView({ block: "nearest" });
    this.#run();
  }

  #run() {
    this.#kept = undefined;
    this.#show();
    this.#panel.state = "dreaming";
    this.#clock.start(this.#facts.frames_per_s);
  }

  #stop(state) {
    this.#clock.stop();
    this.#dream?.drop();
    this.#panel.state = state;
    if (state === "paused" || state === "over") this.#latents.show(this.#dream.z);
  }

  #pause() {
    if (this.#panel.state === "dreaming") this.#stop("paused");
    else if (this.#panel.state !== "over") this.#run();
  }

  /** One step of the dream; whether there is a new frame. */
  async #step() {
    const action = this.#panel.driver === "you" ? this.#steering.action : null;
    if (!(await this.#dream.advance(action, this.#panel.temperature))) return false;
    this.#show();
    if (this.#dream.isDead || this.#dream.isSurvived) {
      this.#stop("over");
      this.#panel.showEnd(this.#dream);
    }
    return true;
  }

  #show() {
    this.#screen.show(this.#dream.frame);
    this.#latents.glance(this.#dream.z);
    this.#steering.show(this.#dream.action);
    this.#panel.show(this.#dream, this.#clock.rate);
  }

  /** Draw z with one of its numbers set by hand. */
  #pull(i, value) {
    this.#kept ??= this.#dream.z;
    this.#stop("pulled");
    const z = this.#dream.z.with(i, value);
    this.#latents.show(z);
    guarded(async () => {
      await this.#dream.change(z);
      this.#screen.show(this.#dream.frame);
    });
  }

  async #putBack() {
    await this.#dream.change(this.#kept);
    this.#kept = undefined;
    this.#show();
    this.#stop("paused");
  }

  #key(event, answer) {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    const isElsewhere = event.target.matches?.("input, button, a");
    if (!answer || modified || isElsewhere || event.repeat) return;
    if (this.#panel.state === "loading") return;
    event.preventDefault();
    guarded(answer);
  }
}

/** Do something; a failure is said on the page. */
async function guarded(act) {
  try {
    await act();
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  const notice = get("failure");
  notice.textContent = `The dream cannot go on: ${error.message}. Reload the page to try again.`;
  notice.hidden = false;
}

offerTheme(get("theme"));
await guarded(async () => {
  const answer = await fetch("agents.json");
  if (!answer.ok) throw new Error(`agents.json cannot be loaded (${answer.status})`);
  const agents = await answer.json();
  await new Page(agents).open(agents[0]);
});
