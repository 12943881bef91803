// The networks, computed beside the page so that it stays quick to the touch.

import * as ort from "../runtime/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1; // more would need headers that a plain static host does not send
ort.env.logLevel = "error";

let sessions = {};

/** The bytes of a file beside the page. */
async function load(path) {
  const url = new URL(`../${path}`, import.meta.url);
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${path} cannot be loaded (${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The runtime's program; some hosts unpack it on the way, most do not. */
async function loadProgram() {
  const bytes = await load("runtime/ort-wasm-simd-threaded.wasm.gz");
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!packed) return bytes.buffer;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
}

const program = loadProgram().then((binary) => (ort.env.wasm.wasmBinary = binary));
program.catch(() => {}); // `open` reports it

const floats = (values) => new ort.Tensor("float32", values, [1, values.length]);

/** Compute a graph, whose inputs and outputs bear its name; it takes what it knows of `values`. */
async function compute(name, values) {
  const session = sessions[name];
  const plain = (full) => full.slice(name.length + 1);
  const feeds = session.inputNames.map((input) => [input, values[plain(input)]]);
  const results = Object.entries(await session.run(Object.fromEntries(feeds)));
  return Object.fromEntries(results.map(([output, tensor]) => [plain(output), tensor]));
}

const operations = {
  /** Load the graphs `names` of the agent in `folder`. */
  async open({ folder, names }) {
    await program;
    for (const session of Object.values(sessions)) await session.release();
    sessions = {};
    const files = await Promise.all(names.map((name) => load(`${folder}/${name}.onnx`)));
    for (const [i, name] of names.entries()) {
      sessions[name] = await ort.InferenceSession.create(files[i]);
    }
    return {};
  },

  /** The z of a recorded first frame. */
  async start({ pick, draw }) {
    const { z } = await compute("start", { pick: floats(pick), draw: floats(draw) });
    return { z: z.data };
  },

  /** The frame that z stands for: RGB bytes, row by row. */
  async draw({ z }) {
    const { frame } = await compute("v", { z: floats(z) });
    return { frame: frame.data };
  },

  /** A step of the dream and its frame; C acts where no action is given. */
  async step({ z, h, c, action, starts, pick, draw, temperature }) {
    const now = { z: floats(z), h: floats(h), c: floats(c) };
    const act = action ?? (await compute("c", now)).action.data;
    const next = await compute("m", {
      ...now,
      action: floats(act),
      starts: new ort.Tensor("bool", [starts], [1]),
      pick: floats(pick),
      draw: floats(draw),
      temperature: new ort.Tensor("float32", [temperature], [1]),
    });
    const { frame } = await compute("v", { z: next.next_z });
    return {
      action: act,
      z: next.next_z.data,
      h: next.next_h.data,
      c: next.next_c.data,
      end: next.done_logit ? 1 / (1 + Math.exp(-next.done_logit.data[0])) : null,
      frame: frame.data,
    };
  },
};

async function answer({ id, operation, values }) {
  try {
    self.postMessage({ id, result: await operations[operation](values) });
  } catch (error) {
    self.postMessage({ id, error: String(error.message ?? error) });
  }
}

let last = Promise.resolve(); // one thing after the other: no step while another agent is loaded
self.onmessage = ({ data }) => (last = last.then(() => answer(data)));
