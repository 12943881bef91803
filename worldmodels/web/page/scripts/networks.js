// V, M and C of one agent, computed in the worker.

export class Networks {
  #worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #count = 0;

  constructor() {
    this.#worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    };
    this.#worker.onerror = (event) => {
      const failure = new Error(event.message || "the networks' program cannot be loaded");
      for (const { reject } of this.#waiting.values()) reject(failure);
      this.#waiting.clear();
    };
  }

  /** Take up another agent. */
  open(facts) {
    const names = ["start", "m", "v", ...(facts.has_controller ? ["c"] : [])];
    return this.#ask("open", { folder: `agents/${facts.name}`, names });
  }

  /** The z of a recorded first frame. */
  async start(pick, draw) {
    return (await this.#ask("start", { pick, draw })).z;
  }

  /** The frame that z stands for. */
  async draw(z) {
    return (await this.#ask("draw", { z })).frame;
  }

  /** One step of a dream. */
  step(values) {
    return this.#ask("step", values);
  }

  #ask(operation, values) {
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, operation, values });
    });
  }
}
